"""Read manifests and rejections, and check that they have the keys that pretag writes.

Other keys are allowed: a later version may write more.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.storage.source import ByteRange

# More than any file has, and few enough for each system call.
_MOST_BYTES = 2**53


class _StrictModel(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Listed(_StrictModel):
    path: str
    size_bytes: Annotated[int, Field(alias="bytes", ge=0, le=_MOST_BYTES)]
    sha256: Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]


class ListedMember(_Listed):
    """A file in an archive. `offset` is where its bytes begin there, which are not compressed.

    It has a byte at least: S3 answers a range of none with the whole archive.
    """

    size_bytes: Annotated[int, Field(alias="bytes", ge=1, le=_MOST_BYTES)]
    offset: Annotated[int, Field(ge=0, le=_MOST_BYTES)]

    @property
    def part(self) -> ByteRange:
        """Where its bytes are in the archive."""
        return ByteRange(self.offset, self.size_bytes)


class ListedFile(_Listed):
    """A file in the list of a manifest. The path is relative to the run's folder."""

    members: list[ListedMember] = []


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    uri: str


class _Head(_StrictModel):
    run_id: str
    pretag: str
    source: _Source


class Manifest(_Head):
    """A manifest."""

    finished: str
    counts: dict[str, Any]
    files: list[ListedFile]


class Rejection(_Head):
    """A rejection."""

    rejected: str
    reason: str
    message: str


class ContentError(Exception):
    """A manifest or a rejection is not as pretag writes it.

    Attributes:
        faults: a text for each fault, such as `files.0.sha256: Field required`.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


_Content = TypeVar("_Content", bound=BaseModel)


def parse(model: type[_Content], data: bytes) -> _Content:
    """Return the manifest or the rejection in the bytes of its file.

    Raises:
        ContentError: it is not JSON, or a key is missing or wrong.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        raise ContentError(
            [": ".join([*_place(each["loc"]), each["msg"]]) for each in details]
        ) from error


def source_in(data: bytes) -> dict[str, Any]:
    """Return the `source` in the bytes of a manifest: its URI and what identifies it.

    Raises:
        ContentError: as `parse`.
    """
    return parse(Manifest, data).source.model_dump()


def _place(keys: tuple[int | str, ...]) -> list[str]:
    """Return a list with the place in the file, such as `files.0.sha256`; empty for the whole."""
    return [".".join(map(str, keys))] if keys else []
