"""A script that runs in a container of the image, and prints facts about its files as JSON."""

import importlib.util
import json
import os
from pathlib import Path

# Flags in the header of a .pyc file: https://peps.python.org/pep-0552/
UNCHECKED_HASH = (1).to_bytes(4, "little")


def main() -> None:
    root = Path(os.environ["LAMBDA_TASK_ROOT"])
    files = [path for path in root.rglob("*") if path.is_file()]
    bytecode = {
        str(source): Path(importlib.util.cache_from_source(str(source)))
        for package in ("handler", "pipeline")
        for source in (root / package).rglob("*.py")
    }
    contents = {
        "user": os.getuid(),
        "packages": [path.name for path in root.iterdir()],
        "unreadable": [str(path) for path in files if not os.access(path, os.R_OK)],
        "compiled": [source for source, code in bytecode.items() if code.exists()],
        "not_compiled": [source for source, code in bytecode.items() if not code.exists()],
        "may_be_stale": [
            source
            for source, code in bytecode.items()
            if code.exists() and code.read_bytes()[4:8] != UNCHECKED_HASH
        ],
        "telemetry": os.environ.get("ORT_DISABLE_TELEMETRY"),
    }
    print(json.dumps(contents))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
