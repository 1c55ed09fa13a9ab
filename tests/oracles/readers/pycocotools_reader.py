"""Print the objects that pycocotools reads: `pycocotools_reader.py FILE`."""

import contextlib
import io
import json
import sys
from pathlib import Path

from pycocotools.coco import COCO


def main(file: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(file)
    rows = [
        {
            "image": Path(coco.imgs[each["image_id"]]["file_name"]).stem,
            "label": coco.cats[each["category_id"]]["name"],
            "box": each["bbox"],
            "score": each["score"],
            "polygon_area": float(coco.annToMask(each).sum()) if each["segmentation"] else None,
        }
        for each in coco.loadAnns(coco.getAnnIds())
    ]
    images = [Path(each["file_name"]).stem for each in coco.imgs.values()]
    print(json.dumps({"images": images, "objects": rows}))


main(*sys.argv[1:])
