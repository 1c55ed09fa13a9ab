"""Non-maximum suppression: of boxes that show the same object, the best one stays."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.frame import Detections

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Far more than a picture has objects, and few enough to end soon, as in Ultralytics' `max_nms`:
# https://docs.ultralytics.com/reference/utils/nms/
MOST_CANDIDATES = 30_000


def non_max_suppression(candidates: Detections, iou_threshold: float) -> Detections:
    """Apply greedy, class-wise NMS to the best `MOST_CANDIDATES`.

    Args:
        candidates: N boxes, in any order of scores.
        iou_threshold: of two boxes of one class with a larger intersection over union, the
            one with the lower score goes.

    Returns:
        The boxes that stay, by descending score (ties in the order they came in). Those that are
        nothing, or inside out, are left out: OpenCV takes two of them for the same.
    """
    real = np.flatnonzero((candidates.boxes[:, 2:] > candidates.boxes[:, :2]).all(axis=1))
    best = real[np.argsort(-candidates.scores[real], kind="stable")[:MOST_CANDIDATES]]
    ids = candidates.class_ids[best]
    boxes = candidates.boxes[best].astype(np.float64)
    corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    # NMSBoxes leaves out scores of 0, and wants scores to sort by: ranks say the same.
    ranks = np.arange(len(best), 0, -1, dtype=np.float64)
    kept = np.zeros(len(best), dtype=np.bool_)
    # OpenCV's NMSBoxesBatched compares the boxes of all classes: 40 times slower with 80 of them.
    by_class = np.argsort(ids, kind="stable")
    for rows in np.split(by_class, np.flatnonzero(np.diff(ids[by_class])) + 1):
        if len(rows) == 1:
            kept[rows] = True
            continue
        left = cv2.dnn.NMSBoxes(
            corners_and_sizes[rows].tolist(),
            ranks[rows].tolist(),
            score_threshold=0.0,
            nms_threshold=iou_threshold,
        )
        kept[rows[np.asarray(left, dtype=np.int64)]] = True
    order: NDArray[np.int64] = best[kept]
    return Detections(
        candidates.boxes[order], candidates.scores[order], candidates.class_ids[order]
    )
