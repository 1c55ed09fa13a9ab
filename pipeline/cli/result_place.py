"""The place for results that a command line names: a folder, or a prefix in S3."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline.cli.s3_names import split_s3_uri
from pipeline.storage.local import FolderStore
from pipeline.storage.paths import check_output_folder
from pipeline.storage.result_folder import own_folder_below

if TYPE_CHECKING:
    from pipeline.sharding.local import ShardStore
    from pipeline.storage.source import IdentifiedVideo


class ResultPlace(Protocol):
    """Where the results of all videos go."""

    def own_folder(self, folder: str, source: IdentifiedVideo) -> str:
        """Return the folder for the results of a video: this one, unless another video has it.

        Args:
            folder: the folder for a video of this name, with slashes, relative to this place.
            source: the video.
        """

    def store(self, folder: str, video: str, run_id: str) -> ShardStore:
        """Return the result store of a run, which keeps a result that is there already.

        Args:
            folder: the folder of the video, with slashes, relative to this place.
            video: path or URI of the video.
            run_id: id of the run.
        """


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def own_folder(self, folder: str, source: IdentifiedVideo) -> str:
        return own_folder_below(self._root, folder, source)

    def store(self, folder: str, _video: str, run_id: str) -> FolderStore:
        return FolderStore(self._root, folder, run_id, keep=True)


def result_place(name: str) -> ResultPlace:
    """Return the place that `--out` names; nothing is written.

    Raises:
        PathError: it is a file, or a URI other than that of a prefix in S3.
    """
    if not name.startswith("s3:/"):
        check_output_folder(Path(name))
        return _Folder(Path(name))
    bucket, prefix = split_s3_uri(name, "s3://bucket/prefix")
    # boto3 takes longer to import than the rest of the command.
    from pipeline.storage.s3.result_place import S3ResultPlace  # noqa: PLC0415

    return S3ResultPlace(bucket, prefix.strip("/"))
