"""A script that runs in a container of the image: a function whose decoder was taken over.

It has a secret in its environment and its memory, hides as the function does, and starts processes
as it starts the decoder's. What they run instead is `hostile_child.py`, the first argument. It
prints what they could do: one that was confined, and one that was not.
"""

import ctypes
import json
import os
import sys

from pipeline.child_process.confinement import hide_from_children
from pipeline.child_process.launching import launch

SECRET = "a-secret-of-the-parent"  # noqa: S105 - of this test
CONFINE = "from pipeline.child_process.confinement import confine\nprint(confine(2**28, 60))"


def main() -> None:
    os.environ["AWS_SECRET_ACCESS_KEY"] = SECRET
    memory = ctypes.create_string_buffer(SECRET.encode())
    hide_from_children()
    found = {}
    for name, first in (("confined", CONFINE), ("unconfined", "print([])")):
        arguments = f"{os.getpid()}, {ctypes.addressof(memory)}, {len(SECRET)}"
        code = f"{sys.argv[1]}\n{first}\nmain({arguments})\n"
        log = os.memfd_create("log")
        ended = launch(code, [], log).wait()
        refused, _, attempts = os.pread(log, 100_000, 0).decode().partition("\n")
        found[name] = {"ended": ended, "refused": refused, "attempts": json.loads(attempts)}
    print(json.dumps(found))  # noqa: T201 - its output


main()
