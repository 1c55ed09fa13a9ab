"""Read from a result what drift looks at: its classes, its scores and its detector."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.dataset.coco import COCO_FILE
from pipeline.drift.sample import Sample
from pipeline.storage.listed_files import ListedFiles

if TYPE_CHECKING:
    from pipeline.storage.verification import ResultReader


def read_sample(result: ResultReader) -> tuple[str, Sample]:
    """Return the run id and the sample of a result.

    The digests of the files show that pretag wrote them.

    Raises:
        InputFileError: it is a rejected video or no result, or a file is not as its manifest says.
        PretagError: it cannot be read: what a folder or S3 raises.
    """
    files = ListedFiles(result)
    settings = json.loads(files.read("config.json"))
    coco = json.loads(files.read(COCO_FILE))
    labels = {each["id"]: each["name"] for each in coco["categories"]}
    classes = Counter(labels[each["category_id"]] for each in coco["annotations"])
    scores = (each["score"] for each in coco["annotations"])
    return files.manifest.run_id, Sample.of(settings, classes, scores)
