"""One of the videos that a command line names, from its name to its end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from pipeline.errors import ConfigError, PretagError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.cli.result_place import ResultPlace
    from pipeline.cli.videos import NamedVideo
    from pipeline.outcome import Outcome
    from pipeline.run import Progress
    from pipeline.sharding.local import ShardStore
    from pipeline.storage.source import VideoSource

Annotate: TypeAlias = "Callable[[VideoSource, Callable[[str], ShardStore], Progress], Outcome]"
"""Annotates a source into the store that is returned for a run id."""


@dataclass(frozen=True)
class VideoEnd:
    """How the run of one video ended.

    Attributes:
        video: the video.
        folder: the folder of its results. It is not that of the video's name if another video has
            that folder.
        outcome: the outcome; None if the run failed.
        failure: why it failed, as a sentence; empty if it did not.
    """

    video: NamedVideo
    folder: str
    outcome: Outcome | None
    failure: str = ""


def run_video(
    video: NamedVideo,
    place: ResultPlace,
    annotate: Annotate,
    on_progress: Progress,
    source: VideoSource | None = None,
) -> VideoEnd:
    """Annotate one video. An error of it is an end, because the other videos may be better.

    Args:
        video: the video.
        place: where all results go.
        annotate: annotates an open source.
        on_progress: called at the begin, and after each sampled frame.
        source: the video, if it was found before.

    Raises:
        ConfigError: it holds for all videos.
    """
    on_progress(0.0, None)
    folder = video.folder
    try:
        source = source or video.open()
        folder = place.own_folder(folder, source)
        outcome = annotate(source, partial(place.store, folder, source.uri), on_progress)
    except ConfigError:
        raise
    except PretagError as error:
        return VideoEnd(video, folder, None, str(error))
    except OSError as error:
        reason = f"Input or output failed: {error.strerror or error}."
        return VideoEnd(video, folder, None, f"{video.place} has no result. {reason}")
    return VideoEnd(video, folder, outcome)
