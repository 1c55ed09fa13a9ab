"""A script that runs in .tools/scan: describes the packages of the image in an
environment, validates the document, and prints it as JSON."""

import json
import sys
from pathlib import Path

from supply_chain.licences import licence_problems, read_policy
from supply_chain.python_packages import bundled_components
from supply_chain.sbom import document, python_components
from supply_chain.validation import validate


def main() -> None:
    environment = Path(sys.argv[1])
    folders = list(environment.glob("lib/python*/site-packages"))
    pinned, _ = python_components(environment)
    components = [*pinned, *bundled_components(folders)]
    contents = document("pretag", "sha256:" + "0" * 64, components)
    validate(contents)
    problems = list(licence_problems(pinned, read_policy()))
    print(json.dumps({"contents": contents, "pinned": pinned, "problems": problems}))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
