"""Whether a video may have interlaced pictures, as its codec's own header says.

OpenCV (4.13 to 5.0 at least) cannot convert them: it hands out the picture before, or whatever was
in memory, and says that all is well. https://github.com/vllm-project/vllm/pull/47853
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipeline.frame import Image

# FFmpeg's names, as OpenCV tells them; DV is always made of fields.
_H264 = {"h264", "avc1"}
_MPEG2 = {"mpg2", "mpeg"}
_DV = {"dvsd", "dvcp", "dvc ", "dvpp", "dv25", "dv50"}
# H.264 profiles whose headers go on with the chroma format (7.3.2.1.1).
_HIGH_PROFILES = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
_CHROMA_444 = 3
_SPS, _MPEG2_EXTENSION = 7, b"\x00\x00\x01\xb5"
# Every so many rows are enough to see that a picture is the one before it.
_ROWS_BETWEEN = 16


def may_interlace(fourcc: str, header: bytes) -> bool:
    """Tell whether the codec's header allows for interlaced pictures.

    Args:
        fourcc: the codec, as OpenCV names it.
        header: its extradata: parameter sets in avcC or Annex B form, or a sequence header.
    """
    if fourcc in _H264:
        sps = _sps(header)
        return sps is not None and not _frames_only(sps)
    if fourcc in _MPEG2:
        # ISO/IEC 13818-2, 6.2.2.3: 4 bits of kind, 8 of profile, then progressive_sequence.
        _, found, extension = header.partition(_MPEG2_EXTENSION)
        return bool(found) and len(extension) > 1 and not extension[1] & 0x08
    return fourcc in _DV


def is_stale(image: Image, before: Image) -> bool:
    """Tell whether a picture is, pixel for pixel, the one before it."""
    return np.array_equal(image[::_ROWS_BETWEEN], before[::_ROWS_BETWEEN])


def _sps(header: bytes) -> bytes | None:
    """Return the first sequence parameter set, without emulation prevention (7.4.1)."""
    if header[:1] == b"\x01":  # avcC: 5 bytes, how many, and each with its length before it
        unit = header[8:]
    else:
        unit = b""
        for part in header.split(b"\x00\x00\x01")[1:]:
            if part and part[0] & 0x1F == _SPS:
                unit = part
                break
    return unit[1:].replace(b"\x00\x00\x03", b"\x00\x00") if unit else None


def _frames_only(sps: bytes) -> bool:
    """Return frame_mbs_only_flag (7.3.2.1.1); true where the header ends too early."""
    bits = _Bits(sps)
    try:
        profile = bits.number(8)
        bits.number(16)
        bits.exp_golomb()
        if profile in _HIGH_PROFILES:
            _skip_chroma(bits)
        bits.exp_golomb()
        order = bits.exp_golomb()
        if order == 0:
            bits.exp_golomb()
        elif order == 1:
            bits.number(1)
            bits.exp_golomb()
            bits.exp_golomb()
            for _ in range(bits.exp_golomb()):
                bits.exp_golomb()
        bits.exp_golomb()
        bits.number(1)
        bits.exp_golomb()
        bits.exp_golomb()
        return bits.number(1) == 1
    except EOFError:
        return True


def _skip_chroma(bits: _Bits) -> None:
    chroma = bits.exp_golomb()
    if chroma == _CHROMA_444:
        bits.number(1)
    bits.exp_golomb()
    bits.exp_golomb()
    bits.number(1)
    if bits.number(1):
        for size in [16] * 6 + [64] * (6 if chroma == _CHROMA_444 else 2):
            if bits.number(1):
                _skip_scaling_list(bits, size)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    scale = 8
    for _ in range(size):
        code = bits.exp_golomb()
        scale = (scale + (code + 1 >> 1) * (1 if code & 1 else -1)) % 256
        if scale == 0:
            break


class _Bits:
    """Reads bits, the highest first."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def number(self, bits: int) -> int:
        end = self._at + bits
        if end > len(self._bits):
            raise EOFError
        value = int(self._bits[self._at : end], 2)
        self._at = end
        return value

    def exp_golomb(self) -> int:
        one = self._bits.find("1", self._at)
        if one < 0:
            raise EOFError
        zeros, self._at = one - self._at, one
        return self.number(zeros + 1) - 1
