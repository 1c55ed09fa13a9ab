"""Detect a file's container by its first bytes.

FFmpeg guesses the container, and opens playlists and scripts under any name. So the container is
detected here, and FFmpeg may use the demuxer of that container only. A file without a signature may
still be a video: of raw H.264, for example. For those FFmpeg chooses among the demuxers that read
nothing but the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.decoding.containers.demuxers import SELF_CONTAINED

HEAD_BYTES = 4096


@dataclass(frozen=True)
class Container:
    """A container format.

    Attributes:
        name: its usual name.
        demuxer: FFmpeg's name for it. Several, with commas between them, if `is_probed`.
        has_index: whether files of this format have an index of all frames.
        fewest_frames: a file of this format with fewer frames is a photo.
        is_probed: whether FFmpeg finds out which of the demuxers reads the file.
    """

    name: str
    demuxer: str
    has_index: bool = False
    fewest_frames: int = 1
    is_probed: bool = False


MP4 = Container("mp4", "mov,mp4,m4a,3gp,3g2,mj2", has_index=True)
MATROSKA = Container("matroska", "matroska,webm")
AVI = Container("avi", "avi", has_index=True)
MPEG_TS = Container("mpeg-ts", "mpegts")
MPEG_PS = Container("mpeg-ps", "mpeg")
ASF = Container("asf", "asf")
OGG = Container("ogg", "ogg")
JPEG = Container("mjpeg", "mjpeg,jpeg_pipe")
PROBED = Container("another container", SELF_CONTAINED, is_probed=True)
"""A container that FFmpeg may know, and our signatures do not."""

_MPEG_VIDEO = Container("mpeg-video", "mpegvideo")
_GIF = Container("gif", "gif", fewest_frames=2)
_PNG = Container("apng", "apng", fewest_frames=2)

_SIGNATURES = (
    (b"\x1aE\xdf\xa3", MATROSKA),
    (b"\x1f\x43\xb6\x75", MATROSKA),  # a cluster: a media segment without its header
    (b"FLV\x01", Container("flv", "flv")),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", ASF),
    (b"OggS", OGG),
    (b"\x00\x00\x01\xba", MPEG_PS),
    (b"\x00\x00\x01\xb3", _MPEG_VIDEO),
    (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02", Container("mxf", "mxf")),
    (b".RMF", Container("realmedia", "rm")),
    (b"DKIF", Container("ivf", "ivf")),
    (b"YUV4MPEG2 ", Container("y4m", "yuv4mpegpipe")),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", JPEG),
)
# Boxes that an ISO file (mp4, mov, 3gp, HEIC) can start with, and `jP  ` of Motion JPEG 2000.
# QuickTime files before 2001 have no ftyp.
_ISO_BOXES = {
    *(b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"jP  "),
    *(b"styp", b"moof", b"sidx", b"ssix", b"emsg", b"prft"),  # media segments
}
# The header of Hikvision's recorders, 40 bytes. A program stream follows, seldom something else.
_HIKVISION = b"IMKH"
_PACK_START = b"\x00\x00\x01\xba"
# Packets of a transport stream start with 0x47. Sizes: plain, with time code (m2ts), with parity.
_TS_PACKET_BYTES = (188, 192, 204)
_TS_SYNC = 0x47
_FEWEST_TS_PACKETS = 3


def detect_container(head: bytes) -> Container:
    """Return the container of a file; `PROBED` if its first bytes match no signature.

    Args:
        head: the first `HEAD_BYTES` bytes, or all of a shorter file.
    """
    if head[4:8] in _ISO_BOXES:
        return MP4
    if head.startswith(b"RIFF") and head[8:12] in {b"AVI ", b"AVIX"}:
        return AVI
    for magic, container in _SIGNATURES:
        if head.startswith(magic):
            return container
    if head.startswith(_HIKVISION) and _PACK_START in head:
        return MPEG_PS
    return PROBED if transport_packets(head) is None else MPEG_TS


def transport_packets(head: bytes) -> tuple[int, int] | None:
    """Return where the packets of a transport stream begin, and their size; None if it is none.

    Half of the packets that fit must begin with the sync byte, because three in a row are found in
    other data by chance.
    """
    for size in _TS_PACKET_BYTES:
        needed = max(_FEWEST_TS_PACKETS, len(head) // size // 2)
        for start in range(len(head) - size * _FEWEST_TS_PACKETS + 1):
            if head[start] == _TS_SYNC and head[start::size].count(_TS_SYNC) >= needed:
                return start, size
    return None
