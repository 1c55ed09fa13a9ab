"""The worker processes of a process."""

import os
from pathlib import Path


def workers_of(parent: int | None = None) -> list[int]:
    """Return the ids of a process's children that multiprocessing started.

    Args:
        parent: the process; None: this one.
    """
    own = str(os.getpid() if parent is None else parent)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            of = (folder / "stat").read_text().rpartition(") ")[2].split()[1]
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if of == own and b"spawn_main" in command:
            found.append(int(folder.name))
    return found
