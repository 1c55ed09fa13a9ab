"""Make the README's picture: one frame of a finished dataset, with its boxes.

    python docs/picture.py RESULT_FOLDER FRAME_INDEX PICTURE.png

Boxes come from the dataset's own COCO file, so a wrong one shows.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from pycocotools.coco import COCO

from pipeline.dataset.drawing import CaptionedBox, draw_boxes


def main(result: Path, frame_index: int, picture: Path) -> None:
    """Draw the annotations of one frame."""
    coco = COCO(str(result / "annotations" / "instances_default.json"))
    image = next(each for each in coco.imgs.values() if each["frame_index"] == frame_index)
    marks = []
    for annotation in coco.imgToAnns[image["id"]]:
        x, y, width, height = annotation["bbox"]
        label = coco.cats[annotation["category_id"]]["name"]
        caption = f"{label} {annotation['score']:.2f}"
        marks.append(
            CaptionedBox(x, y, x + width, y + height, annotation["category_id"] - 1, caption)
        )
    pixels = cv2.imread(str(result / "images" / "default" / image["file_name"]))
    cv2.imwrite(str(picture), draw_boxes(np.asarray(pixels, dtype=np.uint8), marks))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
