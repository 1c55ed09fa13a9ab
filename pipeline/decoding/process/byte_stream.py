"""The video's bytes on their way to the child: the parent serves blocks, the child reads them."""

from __future__ import annotations

import io
import socket
import struct
from collections import OrderedDict
from itertools import chain
from threading import Thread
from typing import TYPE_CHECKING

from pipeline.storage.block_stream import BlockStream

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

# Offset, size, the end of the announced range (0: none), and both ends of two later ranges.
_REQUEST = struct.Struct("<qiqqqqq")
_NO_RANGE = 0, 0
_MOST_LATER = 2
_ANSWER = struct.Struct("<i")
_FAILED = -1
_BLOCK_BYTES = 512 * 1024
# Both ends of a file, the block being read, and the one before it.
_BLOCKS_KEPT = 4


def byte_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets whose buffers hold a block."""
    ends = socket.socketpair()
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK_BYTES)
    return ends


class ByteServer:
    """Serves the bytes of a stream to the child, in a thread of its own.

    Attributes:
        error: what reading the stream raised; None if it raised nothing.
        is_reading: whether the child waits for bytes.
        position: where the child reads, in bytes.
        size: length of the stream in bytes.
        is_ranged: whether each range of bytes costs a request.
    """

    def __init__(self, stream: ByteStream, end: socket.socket) -> None:
        """Create a server; `start` begins to serve.

        Args:
            stream: the stream; nobody else reads it meanwhile.
            end: the parent's end of the pair of sockets.
        """
        self.error: Exception | None = None
        self.is_reading = False
        self.position = 0
        self.size = stream.seek(0, io.SEEK_END)
        self.is_ranged = isinstance(stream, BlockStream) and stream.is_ranged
        self._stream = stream
        self._end = end
        self._announced = 0, 0  # where the child reads on, and the end, of what it announced last
        self._thread = Thread(target=self._serve, name="bytes", daemon=True)

    def start(self) -> None:
        """Start the thread. It ends when the child closes its end, or after an error."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, for a limited time. It may not have begun."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _serve(self) -> None:
        try:
            while (request := _receive(self._end, _REQUEST.size)) is not None:
                data = self._read(*_REQUEST.unpack(request))
                self._end.sendall(_ANSWER.pack(_FAILED if data is None else len(data)))
                self._end.sendall(data or b"")
        except OSError:
            return  # the child is gone

    def _read(self, offset: int, size: int, announced_end: int, *later: int) -> bytes | None:
        # A hostile video may control the child, so its numbers are not trusted.
        offset, size = min(max(offset, 0), self.size), min(max(size, 0), _BLOCK_BYTES)
        self.is_reading, self.position = True, offset
        try:
            if announced_end and isinstance(self._stream, BlockStream):
                if self._announced != (offset, announced_end):
                    ranges = zip(later[::2], later[1::2], strict=True)
                    known = [(start, end) for start, end in ranges if 0 <= start < end]
                    self._stream.expect(offset, announced_end, known)
                self._announced = offset + size, announced_end
            self._stream.seek(offset)
            return self._stream.read(size)
        except Exception as error:  # noqa: BLE001 - raised where the frames are read
            self.error = error
            return None
        finally:
            self.is_reading = False


class ServedStream(BlockStream):
    """The child's view of the stream.

    Raises:
        OSError: from `read`, if the parent could not read.
    """

    def __init__(self, end: socket.socket, size: int, *, is_ranged: bool = False) -> None:
        """Create a stream at the beginning.

        Args:
            end: the child's end of the pair of sockets.
            size: length in bytes.
            is_ranged: whether each range of bytes costs the parent a request.
        """
        super().__init__(size, _BLOCK_BYTES, is_ranged=is_ranged)
        self._end = end
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def _block(self, number: int, _offset: int) -> bytes:
        if number not in self._blocks:
            start = number * _BLOCK_BYTES
            end = min(start + _BLOCK_BYTES, self._size)
            self._blocks[number] = self._request(start, end)
            if len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _has_block(self, position: int) -> bool:
        return position // _BLOCK_BYTES in self._blocks

    def _range(self, start: int, end: int) -> bytes:
        # The parent gets more at once than one answer has.
        return self._request(start, end, max(end, self._expected_end))

    def _request(self, start: int, end: int, announced_end: int = 0) -> bytes:
        later = [each for each in self._later if not self._has_block(each[0])][:_MOST_LATER]
        later += [_NO_RANGE] * (_MOST_LATER - len(later))
        self._end.sendall(_REQUEST.pack(start, end - start, announced_end, *chain(*later)))
        answer = _receive(self._end, _ANSWER.size)
        size = _FAILED if answer is None else _ANSWER.unpack(answer)[0]
        data = None if size == _FAILED else _receive(self._end, size)
        if data is None:
            raise OSError("The parent could not read the video.")
        return data


def _receive(end: socket.socket, size: int) -> bytes | None:
    """Return so many bytes; None if the other side is gone."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        received = end.recv_into(view)
        if not received:
            return None
        view = view[received:]
    return bytes(data)
