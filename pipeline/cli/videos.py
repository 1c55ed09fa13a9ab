"""The videos that a command line names: files, folders, patterns and prefixes in S3.

Each gets a folder of its own for its results: the name of a file, the path below a folder that was
named, or the key of an object. Videos that would share one get as much of their path as they need.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Never

from pipeline.cli.s3_names import split_s3_uri
from pipeline.config.video_suffixes import video_suffixes
from pipeline.errors import InputFileError, PathError, SupersededError
from pipeline.resources.deadline import Deadline
from pipeline.storage.local import LocalVideo
from pipeline.storage.paths import reading
from pipeline.text import path_text
from pipeline.uris import uri_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.storage.source import VideoSource


@dataclass(frozen=True)
class NamedVideo:
    """A video that a command line names. It is not opened yet.

    Attributes:
        place: path or URI, with slashes, of which the folder is the end.
        parts: number of the last parts of the place that are the folder for its results.
        path: the file; None for an object in S3.
    """

    place: str
    parts: int
    path: Path | None = None

    def open(self) -> VideoSource:
        """Return the source.

        Raises:
            InputFileError: it does not exist or cannot be read.
            BrokenError, RetryableError: S3 did not return it.
        """
        return _in_bucket(self.place) if self.path is None else LocalVideo.at(self.path)

    @property
    def folder(self) -> str:
        """The folder for its results, relative to that of all results."""
        # An object may be named `../x`, and what it is named must not lead out of the folder.
        parts = self.place.split("/")[-self.parts :]
        return "/".join("_" if part in {"", ".", ".."} else part for part in parts)


def named_videos(names: Sequence[str]) -> list[NamedVideo]:
    """Return the videos that arguments name, each once, in the order of the arguments.

    Raises:
        PathError: an argument names no video.
        PretagError: S3 does not list a prefix.
    """
    found: dict[str, NamedVideo] = {}
    for name in names:
        videos = list(_in_s3(name) if name.startswith("s3:/") else _on_disk(name))
        for video in videos:
            found.setdefault(video.place, video)
        if not videos:
            raise PathError(
                f"{name} has no video. The suffixes of videos are: {' '.join(video_suffixes(None))}"
            )
    return _with_own_folders(list(found.values()))


def _with_own_folders(videos: list[NamedVideo]) -> list[NamedVideo]:
    """Lengthen the folders of videos until no two are equal, also without case."""
    while True:
        counts = Counter(video.folder.casefold() for video in videos)
        longer = [
            replace(video, parts=video.parts + 1)
            if counts[video.folder.casefold()] > 1 and video.parts < len(video.place.split("/"))
            else video
            for video in videos
        ]
        if longer == videos:
            return videos
        videos = longer


def _on_disk(name: str) -> Iterator[NamedVideo]:
    sentence = uri_sentence(name)
    if sentence is not None:
        raise PathError(sentence)
    path = Path(name)
    if path.is_dir():
        for file in _files_below(path):
            yield _local_video(file, len(file.relative_to(path).parts))
    elif not path.exists() and glob.has_magic(name):
        for match in sorted(glob.glob(name, recursive=True)):  # noqa: PTH207 - of any path
            if not Path(match).is_dir():
                yield _local_video(Path(match), 1)
    else:
        LocalVideo.check(path)
        yield _local_video(path, 1)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files with the suffix of a video, in order. What is hidden is left out."""
    with reading(folder):
        for place, folders, files in os.walk(folder, onerror=_raise):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                file = Path(place, name)
                is_video = name.lower().endswith(video_suffixes(None)) and file.is_file()
                if is_video and not name.startswith("."):
                    yield file


def _raise(error: OSError) -> Never:
    raise error


def _local_video(path: Path, parts: int) -> NamedVideo:
    place = path.absolute().as_posix()
    return NamedVideo(path_text(place), parts, path)


def _in_s3(uri: str) -> Iterator[NamedVideo]:
    bucket, key = split_s3_uri(uri, "s3://bucket/key or s3://bucket/prefix/")
    if key and not key.endswith("/"):
        yield _object(bucket, key)
        return
    # boto3 takes longer to import than the rest of the command.
    from pipeline.deployment.existing_videos import existing_videos  # noqa: PLC0415
    from pipeline.storage.s3.client import s3_client  # noqa: PLC0415
    from pipeline.storage.s3.retries import Retries  # noqa: PLC0415
    from pipeline.storage.s3.versions import VersionedBucket  # noqa: PLC0415

    listed = VersionedBucket(s3_client(), bucket, Retries(Deadline.never()))
    for version in existing_videos(listed, key, video_suffixes(None), None):
        yield _object(bucket, version.key)


def _object(bucket: str, key: str) -> NamedVideo:
    return NamedVideo(f"s3://{bucket}/{key}", key.count("/") + 1)


def _in_bucket(uri: str) -> VideoSource:
    from pipeline.storage.s3.client import s3_client, split_uri  # noqa: PLC0415 - as above
    from pipeline.storage.s3.retries import Retries  # noqa: PLC0415
    from pipeline.storage.s3.video import S3Video  # noqa: PLC0415

    bucket, key = split_uri(uri)
    try:
        return S3Video.find(s3_client(), bucket, key, retries=Retries(Deadline.never()))
    except SupersededError as error:
        raise InputFileError(
            f"{uri} does not exist. Check the key; a prefix ends with a slash."
        ) from error
