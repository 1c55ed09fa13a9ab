"""Print the objects that Datumaro reads: `datumaro_reader.py FORMAT FOLDER`.

CVAT imports COCO, Pascal VOC and YOLO with Datumaro.
"""

import json
import sys
from pathlib import Path

from datumaro.components.annotation import AnnotationType
from datumaro.components.dataset import Dataset

_OPTIONS = {"voc": {"coordinate_mode": "voc-one-based"}}


def main(form: str, folder: str) -> None:
    dataset = Dataset.import_from(folder, form, **_OPTIONS.get(form, {}))
    labels = dataset.categories()[AnnotationType.label]
    rows = []
    images = []
    for item in dataset:
        images.append(Path(item.id).name)
        if item.media is not None and form != "cvat":
            assert item.media.data.shape[2] == 3
        for each in item.annotations:
            assert each.type == AnnotationType.bbox, each.type
            score = each.attributes.get("score")
            rows.append(
                {
                    "image": Path(item.id).name,
                    "frame": item.attributes.get("frame"),
                    "label": labels[each.label].name,
                    "box": [float(value) for value in each.get_bbox()],
                    "score": None if score is None else float(score),
                    "outside": each.attributes.get("outside"),
                }
            )
    print(json.dumps({"images": images, "objects": rows, "subsets": sorted(dataset.subsets())}))


main(*sys.argv[1:])
