"""Draw one frame of a finished dataset with its boxes, as in the README.

    python docs/picture.py RESULT_FOLDER FRAME_INDEX OUT.png

The boxes are read from the COCO file of the dataset, so that an error in the file is visible. The
README shows frame 0 of the sample clip.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from pycocotools.coco import COCO

from pipeline.dataset.drawing import CaptionedBox, draw_boxes


def main(result: Path, frame_index: int, out: Path) -> None:
    """Draw the annotations of one frame to a PNG file."""
    coco = COCO(str(result / "annotations" / "instances_default.json"))
    image = next(each for each in coco.imgs.values() if each["frame_index"] == frame_index)
    boxes = []
    for annotation in coco.imgToAnns[image["id"]]:
        x, y, width, height = annotation["bbox"]
        label = coco.cats[annotation["category_id"]]["name"]
        caption = f"{label} {annotation['score']:.2f}"
        boxes.append(
            CaptionedBox(x, y, x + width, y + height, annotation["category_id"] - 1, caption)
        )
    pixels = cv2.imread(str(result / "images" / "default" / image["file_name"]))
    cv2.imwrite(str(out), draw_boxes(np.asarray(pixels, dtype=np.uint8), boxes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
