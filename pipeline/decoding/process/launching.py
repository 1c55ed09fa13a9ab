"""Start the child, and end it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

from pipeline.child_process.launching import launch
from pipeline.decoding.process.byte_stream import byte_pair
from pipeline.decoding.process.channel import Channel, channel_pair
from pipeline.decoding.process.shared_clock import SharedClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.decoding.backend import BackendName

END_SECONDS = 2.0
_LOG_BYTES = 2000


class Child:
    """A process that waits for a video to decode."""

    def __init__(self, backend: BackendName = "opencv") -> None:
        """Start the process. It imports the decoder, and then waits.

        Args:
            backend: the library that decodes. Two FFmpegs must not share a process.
        """
        own, other = channel_pair()
        self.byte_end, other_byte_end = byte_pair()
        clock = SharedClock.create()
        self.clock = SharedClock(clock)
        self._log = os.memfd_create("log", os.MFD_CLOEXEC)
        self.channel = Channel(own)
        descriptors = (other.fileno(), other_byte_end.fileno(), clock)
        self._process = self._start(descriptors, backend)
        for end in (other, other_byte_end):
            end.close()
        os.close(clock)

    def _start(self, descriptors: Sequence[int], backend: BackendName) -> subprocess.Popen[bytes]:
        return launch(decoder_code(backend), descriptors, self._log)

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def kill(self) -> None:
        """End the process at once. May be called from any thread."""
        self._process.kill()

    def end(self) -> int:
        """Wait until the process has ended, and free what it held; return its exit code."""
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self.channel.close()
        self.byte_end.close()
        return code

    def log_tail(self) -> str:
        """Return the last lines that the process and its libraries wrote."""
        size = os.fstat(self._log).st_size
        data = os.pread(self._log, _LOG_BYTES, max(0, size - _LOG_BYTES))
        return data.decode(errors="replace").strip()

    def close(self) -> None:
        """Kill the process if it still runs, and free all that belongs to it."""
        self._process.kill()
        self.end()
        with contextlib.suppress(OSError):
            os.close(self._log)


def decoder_code(backend: BackendName) -> str:
    """Return the code that the process runs.

    It imports faster without a search for unused objects. `main` turns that on again.
    """
    imported = "from pipeline.decoding.process.child import main"
    return f"import gc; gc.disable(); {imported}; main('{backend}')"
