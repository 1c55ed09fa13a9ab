"""Print the objects that Supervision reads: `supervision_reader.py coco|yolo|voc FOLDER`."""

import json
import sys
from pathlib import Path

import supervision as sv


def main(form: str, folder: str) -> None:
    root = Path(folder)
    if form == "coco":
        dataset = sv.DetectionDataset.from_coco(
            str(root / "train"), str(root / "train" / "_annotations.coco.json")
        )
    elif form == "yolo":
        dataset = sv.DetectionDataset.from_yolo(
            str(root / "images" / "train"),
            str(root / "labels" / "train"),
            str(root / "data.yaml"),
        )
    else:
        dataset = sv.DetectionDataset.from_pascal_voc(
            str(root / "JPEGImages"), str(root / "Annotations")
        )
    rows = []
    for path, image, found in dataset:
        assert image.shape[2] == 3
        for xyxy, class_id in zip(found.xyxy.tolist(), found.class_id.tolist(), strict=True):
            left, top, right, bottom = xyxy
            rows.append(
                {
                    "image": Path(path).stem,
                    "label": dataset.classes[class_id],
                    "box": [left, top, right - left, bottom - top],
                    "score": None,
                }
            )
    images = [Path(path).stem for path in dataset.image_paths]
    print(json.dumps({"images": images, "objects": rows}))


main(*sys.argv[1:])
