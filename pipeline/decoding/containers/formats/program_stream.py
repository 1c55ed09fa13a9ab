"""The packets of MPEG program streams (MPEG-PS, VOB). ISO/IEC 13818-1, sections 2.4.3.6 and 2.5."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.decoding.containers.formats.parts import read_parts

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

# A DVD scrambles only some of its packets. FFmpeg decodes them to noise.
_SCRAMBLED_SHARE = 0.25
# Start code of a video packet, its length, and the byte with the two bits of scrambling.
_VIDEO_PACKET = re.compile(rb"\x00\x00\x01[\xe0-\xef]..([\x80-\xbf])", re.DOTALL)
_SCRAMBLING = 0x30


def is_encrypted(stream: ByteStream) -> bool:
    """Tell whether much of the video in a stream is scrambled, as on DVDs.

    Raises:
        OSError: the stream cannot be read.
    """
    flags = [flag[0] for data in read_parts(stream) for flag in _VIDEO_PACKET.findall(data)]
    scrambled = sum(bool(flag & _SCRAMBLING) for flag in flags)
    return scrambled > _SCRAMBLED_SHARE * len(flags)
