"""Start decoder processes without their imports, so that a test can have hundreds of them.

A process imports the decoder once, and forks for each video. From there on all is as in production:
the fork confines itself, and `DecoderProcess` talks with it.
"""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from threading import Lock
from typing import Self, cast

from pipeline.child_process.launching import launch
from pipeline.decoding.backend import BackendName
from pipeline.decoding.process.launching import Child

_NURSERY = """
import os, socket, struct, sys
from pipeline.decoding.process import child
child.import_library("{backend}")
end = socket.socket(fileno=int(sys.argv[1]))
while True:
    data, descriptors, _, _ = socket.recv_fds(end, 1, 3)
    if not data:
        os._exit(0)
    process = os.fork()
    if not process:
        end.close()
        sys.argv[1:] = map(str, descriptors)
        child.main("{backend}")
    for descriptor in descriptors:
        os.close(descriptor)
    end.sendall(struct.pack("i", process))
    _, status = os.waitpid(process, 0)
    end.sendall(struct.pack("i", os.waitstatus_to_exitcode(status)))
"""


class Nursery:
    """A process that forks children, one at a time."""

    def __init__(self, backend: BackendName = "opencv") -> None:
        self._end, other = socket.socketpair()
        self._log = os.memfd_create("log", os.MFD_CLOEXEC)
        with other:
            self._process = launch(_NURSERY.format(backend=backend), [other.fileno()], self._log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.close()
        self._process.wait()
        os.close(self._log)

    def child(self) -> Child:
        """Return a new child. The one before it must have ended."""
        return _ForkedChild(self._end)


class _ForkedChild(Child):
    def __init__(self, nursery: socket.socket) -> None:
        self._nursery = nursery
        super().__init__()

    def _start(self, descriptors: Sequence[int], backend: BackendName) -> subprocess.Popen[bytes]:
        del backend  # the nursery has one
        return cast("subprocess.Popen[bytes]", _Fork(self._nursery, descriptors))


class _Fork:
    """The part of `Popen` that `Child` uses."""

    def __init__(self, nursery: socket.socket, descriptors: Sequence[int]) -> None:
        self._nursery = nursery
        self._lock = Lock()
        self._code: int | None = None
        socket.send_fds(nursery, [b"x"], descriptors)
        self.pid = _number(nursery)

    def kill(self) -> None:
        with self._lock, contextlib.suppress(ProcessLookupError):  # it may have just ended
            if self._code is None:
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            if self._code is None:
                self._nursery.settimeout(timeout)
                try:
                    self._code = _number(self._nursery)
                except TimeoutError as error:
                    raise subprocess.TimeoutExpired("fork", timeout or 0) from error
                finally:
                    self._nursery.settimeout(None)
            return self._code


def _number(nursery: socket.socket) -> int:
    data = nursery.recv(4, socket.MSG_WAITALL)
    if len(data) < 4:
        raise RuntimeError("The process that forks the children has ended.")
    return int.from_bytes(data, "little", signed=True)
