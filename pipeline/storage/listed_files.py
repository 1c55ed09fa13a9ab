"""Read files of a result, and images in its archive, each checked against the manifest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.errors import InputFileError
from pipeline.storage.result_store import MANIFEST
from pipeline.storage.verification import read_manifest

if TYPE_CHECKING:
    from pipeline.storage.manifest import ListedFile, ListedMember
    from pipeline.storage.verification import ResultReader


class ListedFiles:
    """The files that the manifest of a result lists, and the members of its archives.

    Attributes:
        reader: what reads the result.
        manifest: the manifest.
        archives: for each member, by its path, the path of the archive that holds it.
    """

    def __init__(self, reader: ResultReader) -> None:
        """Read the manifest.

        Raises:
            InputFileError: there is none, or it is wrong.
            PretagError: the result cannot be read: what a folder or S3 raises.
        """
        self.reader = reader
        self.manifest = read_manifest(reader)
        self.archives: dict[str, str] = {}
        self._there = set(reader.paths())
        self._files = {file.path: file for file in self.manifest.files}
        self._members: dict[str, ListedMember] = {}
        for file in self.manifest.files:
            for member in file.members:
                self._members[member.path] = member
                self.archives[member.path] = file.path

    def check_all_there(self) -> None:
        """Check that no file is missing.

        Raises:
            InputFileError: one is.
        """
        missing = sorted(self._files.keys() - self._there)
        if missing:
            raise self._damage(f"{missing[0]} is missing")

    def __contains__(self, path: str) -> bool:
        return path in self._files or path in self._members

    def read(self, path: str) -> bytes:
        """Return the content of a listed file or member. May be called from any thread.

        Raises:
            InputFileError: the manifest does not list it, or lists it with another content, or it
                is not among the result's files.
            PretagError: it cannot be read: what a folder or S3 raises.
        """
        file = self.archives.get(path, path)
        if file not in self._there:  # a forged path may lead out of the result
            raise self._damage(f"{file} is missing")
        if path not in self:
            raise self._damage(f"{path} is not in {MANIFEST}")
        member = self._members.get(path)
        listed: ListedFile | ListedMember
        if member is not None:
            listed = member
            if member.offset + member.size_bytes > self._files[file].size_bytes:
                raise self._damage(f"{path} ends beyond {file}, which holds it")
            data = self.reader.read_part(file, member.part)
        else:
            listed = self._files[path]
            with self.reader.open(file) as stream:
                data = stream.read(listed.size_bytes + 1)
        if len(data) != listed.size_bytes or hashlib.sha256(data).hexdigest() != listed.sha256:
            raise self._damage(f"{path} was changed")
        return data

    def _damage(self, what: str) -> InputFileError:
        return InputFileError(
            f"{self.reader.location} is not complete: {what}. `pretag verify` lists all faults; "
            "process the video again."
        )
