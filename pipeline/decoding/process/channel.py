"""Messages between the parent and the child: small JSON objects, with a descriptor at most."""

from __future__ import annotations

import array
import json
import select
import socket
from dataclasses import dataclass
from typing import Any

_LONGEST_MESSAGE = 65_536


@dataclass(frozen=True)
class Message:
    """A message.

    Attributes:
        kind: what it says.
        content: its fields.
        descriptor: a file descriptor that came with it; None if none did.
    """

    kind: str
    content: dict[str, Any]
    descriptor: int | None = None


class Channel:
    """One end of a pair of connected sockets that keep messages apart."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, kind: str, *, descriptor: int | None = None, **content: object) -> None:
        """Send a message.

        Raises:
            OSError: the other side is gone.
        """
        data = json.dumps({"kind": kind, **content}).encode()
        if descriptor is None:
            self._end.send(data)
        else:
            socket.send_fds(self._end, [data], [descriptor])

    def receive(self) -> Message | None:
        """Return the next message; None if the other side is gone.

        Raises:
            ValueError: it is not a message.
            LookupError: it has no kind.
            RecursionError: it is nested too deeply.
        """
        try:
            data, ancillary = self._receive()
        except OSError:
            return None
        if not data:
            return None
        descriptors = array.array("i")
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                descriptors.frombytes(payload)
        content = json.loads(data)
        return Message(content.pop("kind"), content, descriptors[0] if descriptors else None)

    def _receive(self) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        space = socket.CMSG_SPACE(array.array("i").itemsize)
        try:
            return self._end.recvmsg(_LONGEST_MESSAGE, space)[:2]
        except ConnectionResetError:
            # The other side ended with messages unread. That is said once, before its own last
            # messages: https://man7.org/linux/man-pages/man7/unix.7.html
            return self._end.recvmsg(_LONGEST_MESSAGE, space)[:2]

    def has_message(self) -> bool:
        """Tell whether `receive` returns at once: a message is there, or the other side is gone."""
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close this end."""
        self._end.close()


def channel_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets for a `Channel` each."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
