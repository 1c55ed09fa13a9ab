"""The video of a result, for a task that is made of the video itself."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from pipeline.cli.videos import named_videos
from pipeline.dataset.exports.reading import read_sampled_frames
from pipeline.errors import InputFileError
from pipeline.handover.cvat_video import VideoTask, task_frames
from pipeline.storage.local import LocalVideo
from pipeline.storage.paths import writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.listed_files import ListedFiles
    from pipeline.storage.source import VideoSource


@contextmanager
def video_task(name: str, files: ListedFiles) -> Iterator[VideoTask]:
    """Yield what a task of the video of a result is made of.

    Args:
        name: the video, as on the command line: a file, or an object in S3, which is copied to this
            machine for the block.
        files: the files of the result.

    Raises:
        click.UsageError: several videos are named.
        InputFileError: it is not the video of the result, or the frames do not lie on one step.
        PretagError: the video or the result cannot be read.
    """
    videos = named_videos([name])
    if len(videos) != 1:
        raise click.UsageError(f"--video {name} names several videos. Name one.")
    source = videos[0].open()
    made_of = files.manifest.source
    written = made_of.model_dump()
    if any(written.get(key) != value for key, value in source.identity.items()):
        raise InputFileError(
            f"{source.uri} is not the video of {files.reader.location}: that was {made_of.uri}, "
            "with another content. Name that video in --video, a file as a file and an object in "
            "S3 by its s3:// name."
        )
    frames = task_frames(read_sampled_frames(files), made_of.uri)
    with TemporaryDirectory(prefix="pretag-") as folder:
        yield VideoTask(_file_of(source, Path(folder)), frames)


def _file_of(source: VideoSource, folder: Path) -> Path:
    """Return the file of a video; of an object in S3, a copy in the folder."""
    if isinstance(source, LocalVideo):
        return source.path
    copy = folder / PurePosixPath(source.name).name
    with source.open() as stream, writing(copy), copy.open("wb") as file:
        shutil.copyfileobj(stream, file)
    return copy
