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
    # float16 has 11 bits, which are too few for a pixel of full HD.
    boxes = boxes.astype(np.float32, copy=False)
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def areas(boxes: Boxes) -> NDArray[Any]:
    """Return the area of each box (... x 4, x1 y1 x2 y2)."""
    return np.asarray((boxes[..., 2:] - boxes[..., :2]).prod(axis=-1))


def intersections(these: Boxes, those: Boxes) -> NDArray[Any]:
    """Return the area that each of N boxes has in common with each of M boxes, as N x M."""
    low = np.maximum(these[:, np.newaxis, :2], those[:, :2])
    high = np.minimum(these[:, np.newaxis, 2:], those[:, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2))


def iou(these: Boxes, those: Boxes) -> NDArray[Any]:
    """Return the IoU of each of N boxes with each of M boxes, as N x M; 0 for empty boxes."""
    common = intersections(these, those)
    union = areas(these)[:, np.newaxis] + areas(those) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))
