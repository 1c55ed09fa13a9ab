"""Print the predictions that Label Studio's SDK accepts: `label_studio_reader.py FOLDER`."""

import json
import sys
from pathlib import Path

from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.label_interface.objects import PredictionValue


def main(folder: str) -> None:
    root = Path(folder)
    interface = LabelInterface((root / "label_config.xml").read_text(encoding="utf-8"))
    interface.validate()
    tasks = json.loads((root / "tasks.json").read_text(encoding="utf-8"))
    images, rows = [], []
    for task in tasks:
        assert interface.validate_task({"data": task["data"]})
        image = Path(task["data"]["name"]).stem
        images.append(image)
        (prediction,) = task["predictions"]
        assert interface.validate_prediction(prediction, return_errors=True) == []
        PredictionValue(**prediction)
        for region in prediction["result"]:
            value = region["value"]
            width, height = region["original_width"], region["original_height"]
            rows.append(
                {
                    "image": image,
                    "label": value["rectanglelabels"][0],
                    "box": [
                        value["x"] * width / 100,
                        value["y"] * height / 100,
                        value["width"] * width / 100,
                        value["height"] * height / 100,
                    ],
                    "score": region["score"],
                }
            )
    print(json.dumps({"images": images, "objects": rows, "classes": sorted(*interface.labels)}))


main(*sys.argv[1:])
