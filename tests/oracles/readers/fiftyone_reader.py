"""Print the objects that FiftyOne reads: `fiftyone_reader.py FOLDER`."""

import json
import sys
from pathlib import Path

import fiftyone


def main(folder: str) -> None:
    dataset = fiftyone.Dataset.from_dir(
        dataset_dir=folder,
        dataset_type=fiftyone.types.COCODetectionDataset,
        label_types="detections",
        label_field="predictions",
    )
    dataset.compute_metadata()
    rows, images = [], []
    for sample in dataset:
        image = Path(sample.filepath).stem
        images.append(image)
        width, height = sample.metadata.width, sample.metadata.height
        found = sample["predictions"] if "predictions" in sample.field_names else None
        for each in [] if found is None else found.detections:
            x, y, w, h = each.bounding_box
            rows.append(
                {
                    "image": image,
                    "label": each.label,
                    "box": [x * width, y * height, w * width, h * height],
                    "score": each.confidence,
                }
            )
    print(json.dumps({"images": images, "objects": rows}))


main(*sys.argv[1:])
