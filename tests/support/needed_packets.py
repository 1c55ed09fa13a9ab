"""Which packets of a video some frames need: those from a key frame on, in decoding order."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import av

if TYPE_CHECKING:
    from collections.abc import Iterable


def needed_bytes(file: IO[bytes], indexes: Iterable[int]) -> int:
    """Return the size of all packets that are needed to decode frames, each counted once.

    Args:
        file: the video, whose packets have times.
        indexes: the frame indexes.
    """
    with av.open(file, "r") as container:
        packets = [
            (packet.pts, packet.size, packet.is_keyframe)
            for packet in container.demux(container.streams.video[0])
            if packet.pts is not None
        ]
    shown = sorted(pts for pts, _, _ in packets)
    numbers = {pts: number for number, (pts, _, _) in enumerate(packets)}
    needed: set[int] = set()
    for index in indexes:
        number = numbers[shown[index]]
        keys = [at for at in range(number + 1) if packets[at][2] and packets[at][0] <= shown[index]]
        needed.update(range(keys[-1], number + 1))
    return sum(packets[number][1] for number in needed)
