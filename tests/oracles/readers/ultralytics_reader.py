"""Print the objects that Ultralytics reads for training: `ultralytics_reader.py FOLDER`."""

import json
import sys
from pathlib import Path

from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset


def main(folder: str) -> None:
    data = check_det_dataset(str(Path(folder) / "data.yaml"), autodownload=False)
    dataset = build_yolo_dataset(get_cfg(), data["train"], 1, data, mode="val")
    rows, images = [], []
    for label in dataset.labels:
        image = Path(label["im_file"]).stem
        images.append(image)
        height, width = label["shape"]
        for class_id, box in zip(
            label["cls"].reshape(-1).tolist(), label["bboxes"].tolist(), strict=True
        ):
            x, y, w, h = box
            rows.append(
                {
                    "image": image,
                    "label": data["names"][int(class_id)],
                    "box": [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height],
                    "score": None,
                }
            )
    print(json.dumps({"images": images, "objects": rows}))


main(*sys.argv[1:])
