"""Know that a video is encrypted. Its frames would decode to grey, and nothing would say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.containers.container import ASF, MATROSKA, MP4, MPEG_PS, MPEG_TS
from pipeline.decoding.containers.formats import (
    asf,
    iso_encryption,
    matroska,
    program_stream,
    transport_stream,
)

if TYPE_CHECKING:
    from pipeline.decoding.containers.container import Container
    from pipeline.storage.source import ByteStream

_FAULT = (
    "encrypted",
    (
        "is encrypted (DRM, SAMPLE-AES or conditional access), so its frames cannot be seen "
        "without the key. Upload it without encryption. With the key of an mp4: "
        "ffmpeg -decryption_key KEY -i IN -c copy OUT.mp4"
    ),
)
_CHECKS = {
    MP4: iso_encryption.is_encrypted,
    MATROSKA: matroska.is_encrypted,
    ASF: asf.is_encrypted,
    MPEG_TS: transport_stream.is_encrypted,
    MPEG_PS: program_stream.is_encrypted,
}


def encryption_fault(stream: ByteStream, container: Container) -> tuple[str, str] | None:
    """Return the fault if all video in a file is encrypted: a reason code and a sentence's end.

    Raises:
        OSError: the stream cannot be read.
    """
    is_encrypted = _CHECKS.get(container)
    return None if is_encrypted is None or not is_encrypted(stream) else _FAULT


def protection_fault(stream: ByteStream) -> tuple[str, str] | None:
    """Return the fault of an mp4 that is called protected: a reason code and a sentence's end.

    Only for a file that mostly does not decode: others that are called so can have clear samples.

    Raises:
        OSError: the stream cannot be read.
    """
    return _FAULT if iso_encryption.is_protected(stream) else None
