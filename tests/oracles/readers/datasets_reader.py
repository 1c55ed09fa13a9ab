"""Print the objects that Hugging Face Datasets reads: `datasets_reader.py FOLDER CACHE`."""

import json
import sys
from pathlib import Path

from datasets import load_dataset


def main(folder: str, cache: str) -> None:
    dataset = load_dataset("imagefolder", data_dir=folder, split="train", cache_dir=cache)
    names = json.loads((Path(folder) / "id2label.json").read_text(encoding="utf-8"))
    images, rows = [], []
    for item in dataset:
        assert item["image"].size == (item["width"], item["height"])
        image = Path(item["image"].filename).stem
        images.append(image)
        objects = item["objects"]
        if isinstance(objects, list):
            objects = {key: [each[key] for each in objects] for key in (objects or [{}])[0]}
        for box, category, label, score in zip(
            *(objects.get(key, []) for key in ("bbox", "category", "label", "score")), strict=True
        ):
            assert names[str(category)] == label
            rows.append({"image": image, "label": label, "box": box, "score": score})
    print(json.dumps({"images": images, "objects": rows}))


main(*sys.argv[1:])
