"""Non-maximum suppression: of boxes that show the same object, the best one stays."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.frame import Detections

if TYPE_CHECKING:
    from numpy.typing import NDArray


def suppress(candidates: Detections, iou_threshold: float) -> Detections:
    """Apply greedy, class-wise NMS.

    Args:
        candidates: N boxes, in any order of scores.
        iou_threshold: of two boxes of one class with a larger intersection over union, the
            one with the lower score goes.

    Returns:
        The boxes that stay, by descending score (ties in the order they came in).
    """
    boxes = candidates.boxes.astype(np.float64)
    corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    # The score threshold was applied before; this one keeps all, 0 too.
    kept = cv2.dnn.NMSBoxesBatched(
        corners_and_sizes.tolist(),
        candidates.scores.tolist(),
        candidates.class_ids.tolist(),
        score_threshold=-1.0,
        nms_threshold=iou_threshold,
    )
    order: NDArray[np.int64] = np.sort(np.asarray(kept, dtype=np.int64).ravel())
    order = order[np.argsort(-candidates.scores[order], kind="stable")]
    return Detections(
        candidates.boxes[order], candidates.scores[order], candidates.class_ids[order]
    )
