"""Read from a result what drift looks at: its classes, its scores and its detector."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.dataset.coco import COCO_FILE
from pipeline.drift.sample import Sample
from pipeline.errors import InputFileError
from pipeline.storage.verification import read_manifest

if TYPE_CHECKING:
    from pipeline.storage.manifest import Manifest
    from pipeline.storage.verification import ResultReader

_CONFIG = "config.json"


def read_sample(result: ResultReader) -> tuple[str, Sample]:
    """Return the run id and the sample of a result.

    Raises:
        InputFileError: it is a rejected video or no result, or a file is not as its manifest says.
        PretagError: it cannot be read: what a folder or S3 raises.
    """
    manifest = read_manifest(result)
    settings = _read(result, manifest, _CONFIG)
    coco = _read(result, manifest, COCO_FILE)
    labels = {each["id"]: each["name"] for each in coco["categories"]}
    classes = Counter(labels[each["category_id"]] for each in coco["annotations"])
    scores = (each["score"] for each in coco["annotations"])
    return manifest.run_id, Sample.of(settings, classes, scores)


def _read(result: ResultReader, manifest: Manifest, path: str) -> dict[str, Any]:
    """Return a JSON file of the result. Its digest shows that pretag wrote it."""
    listed = next((each for each in manifest.files if each.path == path), None)
    if listed is None:
        raise InputFileError(f"{result.location} has no {path}. Process the video again.")
    with result.open(path) as stream:
        data = stream.read(listed.size_bytes + 1)
    if hashlib.sha256(data).hexdigest() != listed.sha256:
        raise InputFileError(
            f"{result.location}/{path} was changed. `pretag verify` says what is wrong with a "
            "result; leave it out, or process its video again."
        )
    content: dict[str, Any] = json.loads(data)
    return content
