"""The child of a trial: loads one model, and runs it once on a blank image.

It is started as `python -c`, with two descriptors as arguments: the model file, and the memory for
its answer.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

from pipeline.child_process.confinement import confine, end_with_parent
from pipeline.detection.probing import probe_shapes
from pipeline.detection.session import CPU_ONLY, open_session
from pipeline.detection.unsupported import UnsupportedModelError

# Of ONNX Runtime: "Failed to allocate memory for requested buffer of size 4199040000", and of C++:
# "std::bad_alloc".
_NO_MEMORY = re.compile(r"bad_alloc|[Ff]ailed to allocate|Unable to allocate")
_LONGEST_TEXT = 2000


def main(parent: int, more_bytes: int, cpu_seconds: int) -> None:
    """Try the model, write the answer, and end.

    Args:
        parent: process id of the parent. When it ends, this process ends.
        more_bytes: most memory that the process may take beyond what it and the file have.
        cpu_seconds: most CPU time that it may use.
    """
    end_with_parent(parent)
    model, answer = (int(argument) for argument in sys.argv[1:3])
    with os.fdopen(model, "rb") as file:
        data = file.read()
    refused = confine(more_bytes, cpu_seconds)
    try:
        found = _try(data)
    except MemoryError:
        found = {"lacks_memory": True}
    nothing = {"lacks_memory": False, "refusal": None, "failure": None, "shapes": None}
    os.write(answer, json.dumps({**nothing, **found, "refused": refused}).encode())
    # Without the interpreter's own clean-up, which would free a large graph for nothing.
    os._exit(0)


def _try(data: bytes) -> dict[str, Any]:
    """Return the fields of the answer that differ from nothing."""
    try:
        session = open_session(data, CPU_ONLY)
    except UnsupportedModelError as error:
        return _failure("refusal", error)
    try:
        return {"shapes": probe_shapes(session)}
    except UnsupportedModelError as error:
        return _failure("failure", error)


def _failure(kind: str, error: UnsupportedModelError) -> dict[str, Any]:
    text = str(error)
    return {kind: text[:_LONGEST_TEXT], "lacks_memory": _NO_MEMORY.search(text) is not None}
