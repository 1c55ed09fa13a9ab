"""Take from this process what a child does not need: rights, files, sockets, programs, memory.

Linux only. Each means is applied on its own; one that the system refuses is reported.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from pipeline.child_process.system_calls import ARCHITECTURES, filter_program

if sys.platform == "linux":
    import resource

# https://man7.org/linux/man-pages/man2/prctl.2.html
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
# https://man7.org/linux/man-pages/man2/seccomp.2.html
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER = 1
# numpy's OpenBLAS has threads, which must be confined too.
_ALL_THREADS = 1

Prctl = Callable[[int, int, int, int, int], int]


def hide_from_children() -> None:
    """Keep processes of the same user from reading the memory and environment of this one.

    Does nothing where the system has no such means. It also switches core dumps off.
    """
    prctl = _prctl()
    if prctl is not None:
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_with_parent(parent: int) -> None:
    """Make this process end when its parent ends, in whatever way; end it now if that happened.

    Args:
        parent: the parent's process id.
    """
    prctl = _prctl()
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def confine(more_bytes: int | None, cpu_seconds: int | None) -> list[str]:
    """Take rights away from this process, for good.

    Nothing can be imported afterwards, because no file can be opened.

    Args:
        more_bytes: most memory that it may take beyond what it has now; None: no limit.
        cpu_seconds: most CPU time that it may use; None: no limit.

    Returns:
        The means that the system refused.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if more_bytes is not None:
        data_bytes = _data_bytes() + more_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
    if cpu_seconds is not None:
        # At the first limit the process gets SIGXCPU, by which the parent knows why it ended. At
        # the second one it would get SIGKILL.
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    prctl = _prctl()
    if prctl is None or prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ["no_new_privs", "seccomp"]
    machine = platform.machine()
    return [] if machine in ARCHITECTURES and _install(machine) else ["seccomp"]


def _data_bytes() -> int:
    """Return the private writable memory of this process, which RLIMIT_DATA counts."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmData:")]
    return int(line.split()[1]) * 1024


def _install(machine: str) -> bool:
    program = filter_program(machine, os.getpid())
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    call = ctypes.CDLL(None).syscall
    call.argtypes = [ctypes.c_long, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p]
    return bool(call(_SECCOMP[machine], _SET_MODE_FILTER, _ALL_THREADS, header) == 0)


def _prctl() -> Prctl | None:
    function: Any = getattr(ctypes.CDLL(None), "prctl", None)
    if function is not None:
        function.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return cast("Prctl | None", function)
