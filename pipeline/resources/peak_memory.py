"""Peak memory of this process."""

from __future__ import annotations

import os
import re
import sys

if sys.platform != "win32":
    import resource

_PEAK = re.compile(rb"^VmHWM:\s*(\d+) kB$", re.MULTILINE)
_LONGEST_STATUS = 65_536  # bytes


class PeakMemory:
    """Reads the peak, also after the process may not open files any more.

    On Linux it is the peak since the program was started. `ru_maxrss` also has that of the process
    that started it, so it is taken on other systems only.
    """

    def __init__(self) -> None:
        """Open the kernel's figures."""
        is_linux = sys.platform == "linux"
        self._status = os.open("/proc/self/status", os.O_RDONLY) if is_linux else None

    def kibibytes(self) -> int:
        """Return the peak of the resident memory in KiB; 0 if the system does not tell it."""
        if self._status is None:
            if sys.platform == "win32":
                return 0
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            # In bytes on macOS, in KiB elsewhere: https://docs.python.org/3/library/resource.html
            return peak // 1024 if sys.platform == "darwin" else peak
        found = _PEAK.search(os.pread(self._status, _LONGEST_STATUS, 0))
        return int(found[1]) if found else 0

    def close(self) -> None:
        """Close the file."""
        if self._status is not None:
            os.close(self._status)
