"""A plain script with the same result in three phases: frames to disk, hashes, detections.

It is what pretag is compared with: what an engineer writes first, with OpenCV, imagehash and ONNX
Runtime as they are, all with their own numbers of threads. It imports nothing of pretag. Its model
and its thresholds are those of pretag. A frame is a duplicate only if its hash is that of a kept
one, bit for bit: so the script detects in about as many frames as pretag does.

    python bench/three_phase.py CLIP MODEL FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import imagehash
import numpy as np
import onnxruntime
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVERY_MS = 1000
_JPEG_QUALITY = 90
_SIDE, _PADDING = 300, 114
_SCORE_THRESHOLD, _IOU_THRESHOLD = 0.4, 0.5


class SavedFrame(NamedTuple):
    """A sampled frame on disk."""

    path: Path
    number: int
    pts_ms: float


def main(clip: Path, model: Path, folder: Path) -> None:
    """Run the three phases, and print the number of kept frames and of objects."""
    kept = remove_duplicates(save_frames(clip, folder))
    dataset = detect(kept, model)
    (folder / "instances_default.json").write_text(json.dumps(dataset))
    print(len(kept), len(dataset["annotations"]))  # noqa: T201 - it is a script


def save_frames(clip: Path, folder: Path) -> list[SavedFrame]:
    """Read all frames, and write one each second as JPEG."""
    saved: list[SavedFrame] = []
    capture = cv2.VideoCapture(str(clip))
    index, next_ms = 0, 0.0
    while True:
        is_read, image = capture.read()
        if not is_read:
            return saved
        pts_ms = capture.get(cv2.CAP_PROP_POS_MSEC)
        if pts_ms >= next_ms:
            path = folder / f"frame_{index:06d}.jpg"
            cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            saved.append(SavedFrame(path, index, pts_ms))
            next_ms = (pts_ms // _EVERY_MS + 1) * _EVERY_MS
        index += 1


def remove_duplicates(saved: list[SavedFrame]) -> list[SavedFrame]:
    """Hash each frame, and delete those whose hash a kept frame has."""
    kept: dict[str, SavedFrame] = {}
    for frame in saved:
        with Image.open(frame.path) as image:
            frame_hash = str(imagehash.phash(image))
        if frame_hash in kept:
            frame.path.unlink()
        else:
            kept[frame_hash] = frame
    return list(kept.values())


def detect(kept: list[SavedFrame], model: Path) -> dict[str, Any]:
    """Return the objects of all frames as a COCO dataset."""
    session = onnxruntime.InferenceSession(model)
    (model_input,) = session.get_inputs()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, frame in enumerate(kept, 1):
        image = np.asarray(cv2.imread(str(frame.path)), dtype=np.uint8)
        height, width = image.shape[:2]
        images.append(
            {"id": number, "file_name": frame.path.name, "width": width, "height": height}
        )
        (rows,) = session.run(None, {model_input.name: _tensor(image)})
        for class_id, score, box in _objects(rows[0], width, height):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": class_id + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                    "score": score,
                }
            )
    categories = [{"id": number, "name": str(number)} for number in range(1, 81)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _tensor(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return an image as the model takes it: in the middle of a square, RGB, from 0 to 1."""
    _, left, top = _placement(image.shape[1], image.shape[0])
    square = np.full((_SIDE, _SIDE, 3), _PADDING, dtype=np.uint8)
    size = (_SIDE - 2 * left, _SIDE - 2 * top)
    square[top : top + size[1], left : left + size[0]] = cv2.resize(image, size)
    return np.asarray(cv2.dnn.blobFromImage(square, 1 / 255, swapRB=True), dtype=np.float32)


def _placement(width: int, height: int) -> tuple[float, int, int]:
    """Return the scale of an image in the square, and the padding at its left and at its top."""
    scale = _SIDE / max(width, height)
    return scale, round((_SIDE - width * scale) / 2), round((_SIDE - height * scale) / 2)


def _objects(
    rows: NDArray[np.float32], width: int, height: int
) -> list[tuple[int, float, list[float]]]:
    """Return class id, score and box (left, top, width, height in pixels) of each object.

    Args:
        rows: 84 x N: centre, width and height of N boxes in the square, then 80 scores.
        width: width of the image.
        height: height of the image.
    """
    scale, left, top = _placement(width, height)
    scores, class_ids = rows[4:].max(axis=0), rows[4:].argmax(axis=0)
    boxes = rows[:4].T.copy()
    boxes[:, :2] -= boxes[:, 2:] / 2 + (left, top)
    boxes /= scale
    chosen = cv2.dnn.NMSBoxesBatched(
        boxes.tolist(), scores.tolist(), class_ids.tolist(), _SCORE_THRESHOLD, _IOU_THRESHOLD
    )
    return [(int(class_ids[n]), float(scores[n]), boxes[n].tolist()) for n in chosen]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
