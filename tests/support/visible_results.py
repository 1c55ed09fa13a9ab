"""Check what readers of a bucket of results see: the simulation and the containers use it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

MANIFEST, REJECTION = "manifest.json", "rejection.json"


class Violation(AssertionError):  # noqa: N818 - it is what a test found, not an error of the code
    """Readers saw what they must never see."""


def run_folders(objects: Mapping[str, bytes]) -> set[str]:
    """Return the key prefixes that have a manifest or a rejection."""
    return {
        folder
        for folder, _, name in (key.rpartition("/") for key in objects)
        if name in {MANIFEST, REJECTION}
    }


def check_folder(folder: str, objects: Mapping[str, bytes]) -> None:
    """Check that a visible run folder is one complete result, or one rejection alone.

    Args:
        folder: key prefix of the run, without a slash at the end.
        objects: all objects below it, by key.

    Raises:
        Violation: a file is missing, differs from the manifest, or is not listed there.
    """
    files = {
        key.removeprefix(f"{folder}/"): data
        for key, data in objects.items()
        if key.startswith(f"{folder}/")
    }
    if REJECTION in files:
        if set(files) != {REJECTION}:
            raise Violation(f"{folder}: other files beside the rejection: {sorted(files)}.")
        return
    if MANIFEST not in files:
        return
    listed = {entry["path"]: entry for entry in json.loads(files.pop(MANIFEST))["files"]}
    if set(listed) != set(files):
        raise Violation(f"{folder}: listed {sorted(listed)}, found {sorted(files)}.")
    for path, entry in listed.items():
        _check_content(f"{folder}/{path}", entry, files[path])
        for member in entry.get("members", ()):
            start = member["offset"]
            part = files[path][start : start + member["bytes"]]
            _check_content(f"{member['path']} in {folder}/{path}", member, part)


def _check_content(name: str, entry: Mapping[str, Any], data: bytes) -> None:
    if (len(data), hashlib.sha256(data).hexdigest()) != (entry["bytes"], entry["sha256"]):
        raise Violation(f"{name} differs from the manifest.")


def check_visible(objects: Mapping[str, bytes]) -> None:
    """Check each visible run folder of a bucket.

    Raises:
        Violation: a folder is not one complete result, or one rejection alone.
    """
    for folder in run_folders(objects):
        check_folder(folder, objects)
