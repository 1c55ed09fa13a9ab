"""Read parts of a file, from its beginning to its end, to know all of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream

# The tables of a transport stream come several times a second; one part may have none.
_PARTS, _FEWEST_BYTES, _MOST_BYTES = 8, 2**14, 2**18


def read_parts(stream: ByteStream) -> Iterator[bytes]:
    """Yield the bytes of parts that are equally far apart; of a small file, all bytes.

    Raises:
        OSError: the stream cannot be read.
    """
    distance = max(_FEWEST_BYTES, -(-stream.seek(0, io.SEEK_END) // _PARTS))
    for number in range(_PARTS):
        stream.seek(number * distance)
        yield stream.read(min(distance, _MOST_BYTES))
