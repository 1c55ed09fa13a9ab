"""Know by its header that a file is cut short, so that it has no frame."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from pipeline.decoding.containers.container import MATROSKA, MP4
from pipeline.decoding.containers.declared import read_declared
from pipeline.decoding.containers.formats import flv, iso, matroska

if TYPE_CHECKING:
    from pipeline.decoding.containers.container import Container
    from pipeline.storage.source import ByteStream

_NO_INDEX = (
    "is cut short: its index is incomplete (the mp4 'moov' box, which most cameras write last). "
    "Upload the whole file again."
)
_NO_FRAMES = (
    "is cut short: it ends before the place that its header gives, and the rest has no frame. "
    "Upload the whole file again."
)


def truncation_fault(stream: ByteStream, container: Container) -> tuple[str, str] | None:
    """Return the fault if a file is cut short: a reason code and a sentence's end.

    Args:
        stream: a file that does not open, or has no frames.
        container: its container.

    Raises:
        OSError: the stream cannot be read.
    """
    if container is MP4 and iso.movie(stream) is None:
        return "truncated", _NO_INDEX
    return ("truncated", _NO_FRAMES) if _is_cut(stream, container) else None


def _is_cut(stream: ByteStream, container: Container) -> bool:
    if container is MP4:
        return iso.lacks_samples(stream)
    size_bytes = stream.seek(0, io.SEEK_END)
    declared: float | None
    if container is MATROSKA:
        declared = matroska.declared_bytes(stream)
    elif container.name == "flv":
        declared = flv.declared_bytes(stream)
    else:
        declared = read_declared(stream, container).size_bytes
    return declared is not None and declared > size_bytes
