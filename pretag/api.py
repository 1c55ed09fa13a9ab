"""The functions of the Python API, for videos in local files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import run
from pipeline.concurrency.cpus import available_cpus
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.config import layers
from pipeline.config.schema import Config
from pipeline.decoding.opening import open_video
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.resources.budget import Budget
from pipeline.runlog import RunLog
from pipeline.storage.local import FolderStore, LocalVideo
from pipeline.storage.paths import check_output_folder
from pipeline.storage.result_folder import own_folder_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.frame import Frame
    from pipeline.outcome import Outcome
    from pipeline.run import Progress

ConfigLike = Config | Mapping[str, Any]
"""A `Config`, or its sections as nested mappings: `{"sampling": {"every_seconds": 2}}`."""


def annotate(
    video: str | Path,
    out: str | Path,
    *,
    config: ConfigLike | None = None,
    detector: Detector | None = None,
    on_progress: Progress = lambda _done, _total: None,
) -> Outcome:
    """Annotate one video, and write its dataset to `<out>/<file name>/<run id>`.

    If that folder has datasets of a video with another content, digits follow the file name.

    Args:
        video: path of the video.
        out: folder for results; it is made if it does not exist.
        config: the configuration; None: all defaults.
        detector: a detector from `load_detector`. Its loaded model is used with `config`, so that
            the model is loaded once for several videos. None: load the configured model.
        on_progress: called after each sampled frame with the seconds of video done and the video's
            length according to its header, or None if that is unknown.

    Returns:
        The outcome: `done`, or `rejected` with the reason. `result` is the folder, as text.

    Raises:
        ConfigError: a config key or value is wrong.
        InputFileError: the video does not exist or may not be read, or a path is a URI.
        BrokenError: the model cannot be used, or the folder cannot be written.
    """
    effective = load_config(config)
    check_output_folder(Path(out))
    source = LocalVideo.at(Path(video))
    if detector is None:
        detector = load_detector(effective)
    else:
        detector = Detector(detector.model, effective.detector)
    folder = own_folder_below(Path(out), source.name, source)
    return run.annotate(
        source,
        effective,
        detector,
        lambda run_id: FolderStore(Path(out), folder, run_id),
        cpus=available_cpus(),
        on_progress=on_progress,
    )


def sample_frames(video: str | Path, *, config: ConfigLike | None = None) -> Iterator[Frame]:
    """Yield the sampled frames of a video, in presentation order, before deduplication.

    The video is decoded in a thread of its own, a few frames ahead. Leaving the loop early ends it.

    Args:
        video: path of the video.
        config: the configuration; `sampling` and `limits` are used. None: all defaults.

    Yields:
        Frames with their index, presentation time and image (H x W x 3 uint8 BGR, in displayed
        pixels).

    Raises:
        ConfigError: a config key or value is wrong.
        RejectedError: the video cannot be read, exceeds a limit, or has no frame to sample.
        InputFileError: the video does not exist or may not be read.
    """
    effective = load_config(config)
    source = LocalVideo.at(Path(video))
    sampler = Sampler(SamplingGrid.from_config(effective))
    cpus = available_cpus()
    with (
        source.open() as stream,
        open_video(
            stream, source.uri, effective, threads=cpus, budget=Budget.unlimited()
        ) as decoder,
        OrderedExecutor(cpus) as executor,
    ):
        yield from executor.prefetch(
            decoder.frames(sampler, RunLog()), watch=decoder.check_stalled, stop=decoder.stop
        )


def load_detector(config: ConfigLike | None = None) -> Detector:
    """Load a detector: its `detect` takes an image (H x W x 3 uint8 BGR) and returns `Detections`.

    Args:
        config: the configuration; `detector` is used. None: all defaults.

    Raises:
        ConfigError: a config key or value is wrong, or names a class that the model does not have.
        BrokenError: the model does not exist, is damaged, or is of no family that pretag reads.
    """
    wanted = load_config(config).detector
    return Detector(Model.configured(wanted), wanted)


def load_config(config: ConfigLike | str | Path | None = None) -> Config:
    """Return a complete configuration.

    Args:
        config: a path of a YAML, TOML or JSON file, nested mappings, a `Config`, which is returned
            as it is, or None for all defaults. Environment variables are not read.

    Raises:
        ConfigError: the file cannot be read, or a key or value is wrong; the message names it.
    """
    match config:
        case Config():
            return config
        case None:
            return Config()
        case Mapping():
            return layers.merge(layers.tree_layer("the config argument", config))
    return layers.merge(layers.read_file_layer(Path(config)))
