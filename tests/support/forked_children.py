"""Start the project's child processes without their imports, so that tests can have hundreds.

A process imports what a child needs once, and forks for each child. From there on all is as in
production: the fork runs the code that `launch` was given, and confines itself.
"""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Self, cast

from pipeline.child_process import launching
from pipeline.decoding.backend import BackendName
from pipeline.decoding.process.launching import decoder_code

# Each request is the code of a child, with its descriptors: those that are its arguments, its log,
# and a socket that gets its process id and, when it has ended, its exit code. The code may look at
# the id of its parent, which in production is the process that asks.
_NURSERY = """
import os, selectors, socket, struct, sys
{preload}
end = socket.socket(fileno=int(sys.argv[1]))
asker = os.getppid()
waiting = selectors.DefaultSelector()
waiting.register(end, selectors.EVENT_READ)

def start():
    code, descriptors, _, _ = socket.recv_fds(end, 65536, 16)
    if not code:
        os._exit(0)
    process = os.fork()
    if not process:
        *arguments, log, answer = descriptors
        for descriptor in (answer, end.detach(), waiting.fileno()):
            os.close(descriptor)
        os.setsid()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.getppid = lambda: asker
        sys.argv[1:] = map(str, arguments)
        exec(code, {{}})
        os._exit(0)
    answer = socket.socket(fileno=descriptors.pop())
    for descriptor in descriptors:
        os.close(descriptor)
    answer.sendall(struct.pack("i", process))
    waiting.register(os.pidfd_open(process), selectors.EVENT_READ, (process, answer))

def finish(key):
    process, answer = key.data
    waiting.unregister(key.fd)
    os.close(key.fd)
    _, status = os.waitpid(process, 0)
    with answer:
        answer.sendall(struct.pack("i", os.waitstatus_to_exitcode(status)))

while True:
    for key, _ in waiting.select():
        finish(key) if key.data else start()
"""
_IMPORT_DECODER = (
    "from pipeline.decoding.process.child import import_library; import_library('{backend}')"
)
_IMPORT_TRIAL = "import pipeline.detection.trial_child"


class Nursery:
    """A process that forks children. Several may run at a time; any thread may ask for one."""

    def __init__(self, preload: str) -> None:
        """Start the process.

        Args:
            preload: code that imports what the children need.
        """
        self._end, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = launching.launch(
                _NURSERY.format(preload=preload), [other.fileno()], subprocess.DEVNULL
            )

    def close(self) -> None:
        """End the process. Its children must have ended."""
        self._end.close()
        self._process.wait()

    def launch(self, code: str, descriptors: Sequence[int], log: int) -> subprocess.Popen[bytes]:
        """Fork a child, as `launching.launch` starts one."""
        if log != subprocess.DEVNULL:
            return cast("subprocess.Popen[bytes]", _Fork(self._end, code, (*descriptors, log)))
        with Path(os.devnull).open("wb") as nothing:
            return self.launch(code, descriptors, nothing.fileno())


class Nurseries:
    """A nursery for each kind of child, started when it is first needed.

    At the end of the block, their children must have ended.
    """

    def __init__(self) -> None:
        self._started: dict[str, Nursery] = {}
        self._starting = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for nursery in self._started.values():
            nursery.close()

    def launch(self, code: str, descriptors: Sequence[int], log: int) -> subprocess.Popen[bytes]:
        """Fork a child, as `launching.launch` starts one."""
        preload = _preload(code)
        with self._starting:
            if preload not in self._started:
                self._started[preload] = Nursery(preload)
        return self._started[preload].launch(code, descriptors, log)


def _preload(code: str) -> str:
    if code.startswith("from pipeline.detection.trial_child import "):
        return _IMPORT_TRIAL
    backends: tuple[BackendName, ...] = ("opencv", "pyav")
    (backend,) = [each for each in backends if code == decoder_code(each)]
    return _IMPORT_DECODER.format(backend=backend)


class _Fork:
    """The part of `Popen` that the project uses."""

    def __init__(self, nursery: socket.socket, code: str, descriptors: Sequence[int]) -> None:
        self._answer, other = socket.socketpair()
        self._lock = Lock()
        self._code: int | None = None
        with other:
            socket.send_fds(nursery, [code.encode()], [*descriptors, other.fileno()])
        self.pid = self._number()

    def kill(self) -> None:
        """Kill the process if it still runs."""
        with self._lock, contextlib.suppress(ProcessLookupError):  # it may have just ended
            if self._code is None:
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when the process has ended."""
        with self._lock:
            if self._code is None:
                self._answer.settimeout(timeout)
                try:
                    self._code = self._number()
                except TimeoutError as error:
                    raise subprocess.TimeoutExpired("fork", timeout or 0) from error
                self._answer.close()
            return self._code

    def _number(self) -> int:
        data = self._answer.recv(4, socket.MSG_WAITALL)
        if len(data) < 4:
            raise RuntimeError("The process that forks the children has ended.")
        return int.from_bytes(data, "little", signed=True)
