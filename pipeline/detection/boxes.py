"""Geometry of boxes: conversion, area, intersection and IoU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[Any]
"""N x 4: x1 y1 x2 y2, in pixels."""


def cxcywh_to_xyxy(boxes: Boxes) -> Boxes:
    """Return boxes as x1 y1 x2 y2, float32.

    Args:
        boxes: N x 4: centre x, centre y, width, height.
    """
    # float16 has 11 bits of precision, which is less than a pixel needs in a Full HD image.
    boxes = boxes.astype(np.float32, copy=False)
    centre, half_size = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([centre - half_size, centre + half_size], axis=1)


def areas(boxes: Boxes) -> NDArray[Any]:
    """Return the area of each box (... x 4, x1 y1 x2 y2)."""
    return np.asarray((boxes[..., 2:] - boxes[..., :2]).prod(axis=-1))


def intersections(boxes: Boxes, others: Boxes) -> NDArray[Any]:
    """Return the area of the intersection of each of N boxes with each of M others, as N x M."""
    top_left = np.maximum(boxes[:, np.newaxis, :2], others[:, :2])
    bottom_right = np.minimum(boxes[:, np.newaxis, 2:], others[:, 2:])
    return np.asarray(np.maximum(bottom_right - top_left, 0).prod(axis=2))


def iou(boxes: Boxes, others: Boxes) -> NDArray[Any]:
    """Return the IoU of each of N boxes with each of M others, as N x M; 0 for empty boxes."""
    common = intersections(boxes, others)
    union = areas(boxes)[:, np.newaxis] + areas(others) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))
