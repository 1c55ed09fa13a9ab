"""What a family is: a signature that it knows, and a reading of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import Detections

if TYPE_CHECKING:
    from pipeline.detection.graph import Graph
    from pipeline.detection.preprocess import Preprocess

Array = NDArray[Any]

Decode = Callable[[Sequence[Array], float, tuple[int, int]], Detections]
"""Reads one picture's objects from the outputs, given in the order of `Reading.outputs`, batch and
all; those that score at least so much; for an input of this width and height in pixels. Boxes are
x1 y1 x2 y2 in input pixels; class ids are the model's own; in any order."""


@dataclass(frozen=True)
class Reading:
    """How one graph is read.

    Attributes:
        why: what it was known by, for a person.
        preprocess: what its input wants.
        outputs: the names of those that `decode` takes.
        decode: the outputs' way to boxes.
        suppress: whether boxes overlap, and want NMS; end-to-end models have none.
        class_count: how many class ids there are; None: the graph does not tell.
        first_class_id: the id of the first class: 1 where 0 is the background.
        card_must_say: the keys of `preprocess` in which the family's models differ, and nothing in
            the file tells how.
    """

    why: str
    preprocess: Preprocess
    outputs: tuple[str, ...]
    decode: Decode
    suppress: bool
    class_count: int | None
    first_class_id: int = 0
    card_must_say: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        name: what `family` on a model card calls it.
        expects: the signature it knows, for a person.
        read: knows a graph as one of its own and says how to read it; None: it is not. What is
            not known of a shape yet fits no family: it is asked again when it is. Raises
            UnfitError where it knows the graph, and knows that it cannot be read.
    """

    name: str
    expects: str
    read: Callable[[Graph], Reading | None] = field(repr=False)


def detections(boxes: Array, scores: Array, class_ids: Array) -> Detections:
    """Return them in the types that `Detections` promises."""
    return Detections(
        boxes.astype(np.float32, copy=False),
        scores.astype(np.float32, copy=False),
        class_ids.astype(np.int64, copy=False),
    )


def corners(boxes: Array) -> Array:
    """Turn N x 4 boxes from cx cy w h into x1 y1 x2 y2."""
    boxes = boxes.astype(np.float32, copy=False)  # a half has 11 bits: too few for a full HD pixel
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def best_class(scores: Array, score_threshold: float) -> tuple[Array, Array, Array]:
    """Take each row's best class.

    Args:
        scores: N x classes.
        score_threshold: the lowest score to take.

    Returns:
        The rows that score so much, their scores and their classes.
    """
    # The best score of all first, which is quick; which class it is only of the few that remain.
    best = scores.max(axis=1)
    rows = np.flatnonzero(best >= score_threshold)
    return rows, best[rows], scores[rows].argmax(axis=1)


def every_class(
    scores: Array, score_threshold: float, at_most: int | None = None
) -> tuple[Array, Array, Array]:
    """Take each class of each row that scores enough.

    Args:
        scores: N x classes.
        score_threshold: the lowest score to take.
        at_most: how many of them, the best; None: all.

    Returns:
        The rows (one may be there several times), their scores and their classes.
    """
    rows, classes = np.nonzero(scores >= score_threshold)
    found = scores[rows, classes]
    best = np.argsort(-found, kind="stable")[:at_most]
    return rows[best], found[best], classes[best]
