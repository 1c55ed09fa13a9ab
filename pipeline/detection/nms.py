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


def suppress(candidates: Detections, iou_threshold: float) -> Detections:
    """Apply greedy, class-wise NMS to the best `MOST_CANDIDATES`.

    Args:
        candidates: N boxes, in any order of scores.
        iou_threshold: of two boxes of one class with a larger intersection over union, the
            one with the lower score goes.

    Returns:
        The boxes that stay, by descending score (ties in the order they came in).
    """
    best = np.argsort(-candidates.scores, kind="stable")[:MOST_CANDIDATES]
    ids = candidates.class_ids[best]
    boxes = candidates.boxes[best].astype(np.float64)
    corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    # NMSBoxes leaves out scores of 0, and wants scores to sort by: ranks say the same.
    ranks = np.arange(len(best), 0, -1, dtype=np.float64)
    kept = np.zeros(len(best), dtype=np.bool_)
    # OpenCV's NMSBoxesBatched compares the boxes of all classes: 40 times slower with 80 of them.
    for class_id in np.unique(ids):
        rows = np.flatnonzero(ids == class_id)
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
