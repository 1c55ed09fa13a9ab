"""What code in the decoder's process would try: each attempt at the parent's secrets and life.

It prints a JSON object: what each attempt got, or why it got nothing. An attempt at a secret gets
the text; any other gets `done`.
"""

import ctypes
import json
import os
import platform
import resource
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

_PTRACE_ATTACH = 16
_CALLS = {
    "x86_64": {"ptrace": 101, "process_vm_readv": 310, "tgkill": 234, "pidfd_open": 434},
    "aarch64": {"ptrace": 117, "process_vm_readv": 270, "tgkill": 131, "pidfd_open": 434},
}[platform.machine()]
_LIBC = ctypes.CDLL(None, use_errno=True)


class Part(ctypes.Structure):
    """A part of a memory: https://man7.org/linux/man-pages/man2/process_vm_readv.2.html"""

    _fields_ = (("start", ctypes.c_void_p), ("length", ctypes.c_size_t))


def main(parent: int, address: int, size: int) -> None:
    """Try all.

    Args:
        parent: the process id of the parent.
        address: where the parent's memory has its secret.
        size: how long the secret is, in bytes.
    """
    proc = Path(f"/proc/{parent}")
    attempts: dict[str, Callable[[], object]] = {
        "own environment in /proc": lambda: read(Path("/proc/self/environ")),
        "environment of process 1": lambda: read(Path("/proc/1/environ")),
        "environment of the parent": lambda: read(proc / "environ"),
        "memory of the parent as a file": lambda: read_memory_file(proc / "mem", address, size),
        "memory of the parent by a call": lambda: read_memory_by_call(parent, address, size),
        "map of the parent": lambda: read(proc / "maps"),
        "files of the parent": lambda: " ".join(path.name for path in (proc / "fd").iterdir()),
        "trace the parent": lambda: call("ptrace", _PTRACE_ATTACH, parent, 0, 0),
        "handle of the parent": lambda: call("pidfd_open", parent, 0),
        "signal to the parent": lambda: os.kill(parent, 0),
        "signal to a thread of the parent": lambda: call("tgkill", parent, parent, 0),
        "limits of the parent": lambda: resource.prlimit(parent, resource.RLIMIT_CPU),
        "connection": lambda: socket.create_connection(("127.0.0.1", 9), timeout=2),
        "unix socket": lambda: socket.socket(socket.AF_UNIX).close(),
        "another program": lambda: subprocess.run(["/bin/true"], check=True),
        "another process": fork,
        "code of the function": lambda: read(Path("/var/task/handler/app.py")),
        "a new file": lambda: Path("/tmp/hostile").write_text("x"),  # noqa: S108 - in a container
    }
    found = {"own environment": " ".join(f"{name}={value}" for name, value in os.environ.items())}
    found |= {name: result(act) for name, act in attempts.items()}
    print(json.dumps(found), flush=True)  # noqa: T201 - its output


def result(act: Callable[[], object]) -> str:
    """Return what an attempt got."""
    try:
        got = act()
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    return got if isinstance(got, str) else "done"


def call(name: str, *arguments: object) -> None:
    """Make a system call."""
    if _LIBC.syscall(_CALLS[name], *arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def read(path: Path) -> str:
    """Return the content of a file."""
    return path.read_bytes().decode(errors="replace")


def read_memory_file(path: Path, address: int, size: int) -> str:
    """Read the memory of a process as a file."""
    with path.open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size).decode(errors="replace")


def read_memory_by_call(process: int, address: int, size: int) -> str:
    """Read the memory of a process by the system call for it."""
    here = ctypes.create_string_buffer(size)
    own, other = Part(ctypes.addressof(here), size), Part(address, size)
    call("process_vm_readv", process, ctypes.byref(own), 1, ctypes.byref(other), 1, 0)
    return here.raw.decode(errors="replace")


def fork() -> None:
    """Make a process, which ends at once."""
    if not os.fork():
        os._exit(0)
