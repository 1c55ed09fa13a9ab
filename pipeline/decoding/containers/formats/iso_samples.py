"""How much later than it is decoded each frame of an mp4 is shown, by its index.

ISO/IEC 14496-12, section 8.6.1.3: the box `ctts`. FFmpeg lists the other tables of the index, but
not this one.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING

from pipeline.decoding.containers.formats.iso import bytes_at, children, tables, video_tracks

if TYPE_CHECKING:
    from pipeline.decoding.containers.formats.iso import Box
    from pipeline.storage.source import ByteStream

_FIELDS_BYTES = 8  # version, flags and count, before the entries
_ENTRY = struct.Struct(">Ii")
# The number of a track, behind version, flags, and two times of 32 or of 64 bits.
_TRACK_ID_AT = {0: 12, 1: 20}


def composition_offsets(stream: ByteStream, track_id: int, frames: int) -> array[int]:
    """Return the composition offset of each frame, in decoding order, in units of the track.

    Args:
        stream: the file. It may stand anywhere.
        track_id: number of the track.
        frames: number of frames that the index lists.

    Returns:
        As many offsets as there are frames: all 0 if the track has no such table. Fewer if the
        table does not fit; none if there is no such track.

    Raises:
        OSError: the stream cannot be read.
    """
    track = next((each for each in video_tracks(stream) if _has_id(stream, each, track_id)), None)
    if track is None:
        return array("q")
    boxes = (box for table in tables(stream, [track]) for box in children(stream, table, b"ctts"))
    box = next(boxes, None)
    if box is None:
        return array("q", bytes(8 * frames))
    content = bytes_at(stream, box.start, box.end - box.start)[_FIELDS_BYTES:]
    offsets = array("q")
    for count, offset in _ENTRY.iter_unpack(content[: len(content) // _ENTRY.size * _ENTRY.size]):
        if count > frames - len(offsets):
            return array("q")
        offsets.extend([offset] * count)
    return offsets


def _has_id(stream: ByteStream, track: Box, track_id: int) -> bool:
    for header in children(stream, track, b"tkhd"):
        at = _TRACK_ID_AT.get(int.from_bytes(bytes_at(stream, header.start, 1)))
        if at is not None:
            return int.from_bytes(bytes_at(stream, header.start + at, 4)) == track_id
    return False
