"""Check a result against its manifest."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.errors import InputFileError
from pipeline.storage.manifest import ContentError, Manifest, Rejection, parse
from pipeline.storage.result_store import MANIFEST, REJECTION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pipeline.storage.manifest import ListedFile, ListedMember
    from pipeline.storage.source import ByteRange, ByteStream

_BLOCK_BYTES = 1024 * 1024
# A manifest of a million files has 150 MB. Anything larger is not read into memory.
_MAX_MANIFEST_BYTES = 256 * 1024 * 1024


class ResultReader(Protocol):
    """The files of one run: a folder, or a prefix in S3."""

    @property
    def location(self) -> str:
        """Folder or S3 prefix of the run."""

    def paths(self) -> list[str]:
        """Return the paths of all files, relative to the run's folder, sorted."""

    def open(self, path: str) -> AbstractContextManager[ByteStream]:
        """Open one of these files. May be called from any thread."""

    def read_part(self, path: str, part: ByteRange) -> bytes:
        """Return a part of one of these files; shorter if the file ends within it.

        May be called from any thread.
        """


class Result(ResultReader, Protocol):
    """A run that `latest.json` of its video can name."""

    @property
    def run_id(self) -> str:
        """The run id, by the name of the folder or prefix."""

    def promote(self, finished: str) -> None:
        """Make `latest.json` name this run."""


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Attributes:
        ending: how the run ended; None if it has neither a manifest nor a rejection.
        reason: why the video was rejected, as a code; None if it was not, or if it is unknown.
        files: number of files that the manifest lists.
        faults: a sentence for each fault; empty: the result is complete and unchanged.
        members: number of images in an archive that the manifest lists.
    """

    ending: Literal["done", "rejected"] | None
    reason: str | None
    files: int
    faults: tuple[str, ...]
    members: int = 0


def verify(reader: ResultReader) -> Verification:
    """Check that a result has the files that its manifest lists, unchanged, and no others.

    Each file is read once, in blocks, eight files at a time.

    Raises:
        PretagError: the result cannot be read: what a folder or S3 raises.
    """
    paths = reader.paths()
    if MANIFEST in paths:
        return _verify_dataset(reader, paths)
    if REJECTION in paths:
        return _verify_rejection(reader, paths)
    fault = f"It has neither {MANIFEST} nor {REJECTION}, so it is not a result."
    return Verification(None, None, 0, (fault,))


def read_manifest(reader: ResultReader) -> Manifest:
    """Return the manifest of a result.

    Raises:
        InputFileError: there is none, or it is not as pretag writes it.
        PretagError: the result cannot be read: what a folder or S3 raises.
    """
    paths = reader.paths()
    if MANIFEST not in paths:
        what = (
            "is a rejected video" if REJECTION in paths else "is not a result: it has no manifest"
        )
        raise InputFileError(f"{reader.location} {what}. Name the folder of a dataset.")
    try:
        return parse(Manifest, _read(reader, MANIFEST))
    except ContentError as error:
        raise InputFileError(
            f"{reader.location}/{MANIFEST} is wrong: {error}. Process the video again."
        ) from error


def promote(result: Result) -> None:
    """Make `latest.json` of the video name this result, whatever it names now.

    Raises:
        InputFileError: it has no manifest, or its folder does not have the name of its run.
        PretagError: the result cannot be read, or `latest.json` cannot be written.
    """
    manifest = read_manifest(result)
    if manifest.run_id != result.run_id:
        raise InputFileError(
            f"{result.location} holds the run {manifest.run_id}, so latest.json cannot name it. "
            "Give the folder its name back."
        )
    result.promote(manifest.finished)


def _verify_dataset(reader: ResultReader, paths: list[str]) -> Verification:
    faults = []
    if REJECTION in paths:
        faults.append(f"{REJECTION} is there beside {MANIFEST}; a result has one of them.")
    try:
        manifest = parse(Manifest, _read(reader, MANIFEST))
    except ContentError as error:
        faults += [f"{MANIFEST} is wrong: {fault}." for fault in error.faults]
        return Verification("done", None, 0, tuple(faults))
    members = [member.path for file in manifest.files for member in file.members]
    listed = {file.path for file in manifest.files}
    counts = Counter([*(file.path for file in manifest.files), *members])
    faults += [
        f"{MANIFEST} lists {path} {count} times." for path, count in counts.items() if count > 1
    ]
    faults += [f"{path} is missing." for path in sorted(listed - set(paths))]
    extra = set(paths) - listed - {MANIFEST, REJECTION}
    faults += [f"{path} is not in {MANIFEST}." for path in sorted(extra)]
    faults += _changed_files(reader, manifest.files, set(paths))
    return Verification("done", None, len(manifest.files), tuple(faults), len(members))


def _verify_rejection(reader: ResultReader, paths: list[str]) -> Verification:
    faults = [
        f"{path} is there beside {REJECTION}; a rejected video has no other file."
        for path in paths
        if path != REJECTION
    ]
    reason = None
    try:
        reason = parse(Rejection, _read(reader, REJECTION)).reason
    except ContentError as error:
        faults += [f"{REJECTION} is wrong: {fault}." for fault in error.faults]
    return Verification("rejected", reason, 0, tuple(faults))


def _changed_files(
    reader: ResultReader, listed: list[ListedFile], paths: set[str]
) -> Iterator[str]:
    """Yield a fault for each file whose size or sha256 is not that of the manifest."""
    present = (file for file in listed if file.path in paths)
    with OrderedExecutor(cpus=1) as executor:
        for faults in executor.map_io(lambda file: list(_faults_of(reader, file)), present):
            yield from faults


def _faults_of(reader: ResultReader, listed: ListedFile) -> Iterator[str]:
    """Yield the faults of a file and of its members. It is read once, in blocks."""
    whole = _Digest()
    with reader.open(listed.path) as stream:
        for member in sorted(listed.members, key=lambda member: member.offset):
            name, found = f"{member.path} in {listed.path}", _Digest()
            if member.offset < whole.size_bytes:
                yield f"{name} begins within the one before it."
                continue
            _read_into(stream, member.offset - whole.size_bytes, whole)
            _read_into(stream, member.size_bytes, whole, found)
            yield from _differences(name, member, found)
        _read_into(stream, None, whole)
    yield from _differences(listed.path, listed, whole)


def _differences(name: str, listed: ListedFile | ListedMember, found: _Digest) -> Iterator[str]:
    if found.size_bytes != listed.size_bytes:
        yield f"{name} has {found.size_bytes} bytes; {MANIFEST} says {listed.size_bytes}."
    elif found.sha256 != listed.sha256:
        yield f"{name} has the sha256 {found.sha256}; {MANIFEST} says {listed.sha256}."


class _Digest:
    """Size and sha256 of what was read.

    Attributes:
        size_bytes: number of bytes so far.
    """

    def __init__(self) -> None:
        self.size_bytes = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, block: bytes) -> None:
        self.size_bytes += len(block)
        self._digest.update(block)


def _read_into(stream: ByteStream, size_bytes: int | None, *digests: _Digest) -> None:
    """Read so many bytes, or all that follow, in blocks; fewer if the file ends before."""
    left = math.inf if size_bytes is None else size_bytes
    while block := stream.read(int(min(left, _BLOCK_BYTES))):
        left -= len(block)
        for digest in digests:
            digest.add(block)


def _read(reader: ResultReader, path: str) -> bytes:
    """Return the content of a manifest or a rejection.

    Raises:
        ContentError: it is too large to be one.
    """
    with reader.open(path) as stream:
        data = stream.read(_MAX_MANIFEST_BYTES + 1)
    if len(data) > _MAX_MANIFEST_BYTES:
        raise ContentError([f"it is larger than {_MAX_MANIFEST_BYTES // 2**20} MB"])
    return data
