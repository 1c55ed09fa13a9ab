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
"""Decodes the outputs of one image.

Takes the outputs in the order of `DecodeSpec.outputs`, with their batch dimension; the lowest score
to return; and the width and height of the model's input in pixels. Returns boxes as x1 y1 x2 y2 in
input pixels and the model's own class ids, in any order.
"""


@dataclass(frozen=True)
class DecodeSpec:
    """How one graph is read.

    Attributes:
        why: what it was known by, for a person.
        preprocess: what its input wants.
        outputs: the names of those that `decode` takes.
        decode: the outputs' way to boxes.
        suppress: whether boxes overlap, and want NMS; end-to-end models have none.
        class_count: how many class ids there are; None: the graph does not tell.
        first_class_id: the id of the first class: 1 where 0 is the background.
        required_card_keys: keys of `preprocess` that the card must give, because models of the
            family differ in them and nothing in the file tells how.
    """

    why: str
    preprocess: Preprocess
    outputs: tuple[str, ...]
    decode: Decode
    needs_nms: bool
    class_count: int | None
    first_class_id: int = 0
    required_card_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        name: what `family` on a model card calls it.
        expects: the signature it knows, for a person.
        recognise: knows a graph as one of its own and says how to read it; None: it is not. What is
            not known of a shape yet fits no family: it is asked again when it is. Raises
            UnfitError where it knows the graph, and knows that it cannot be read.
    """

    name: str
    expects: str
    recognise: Callable[[Graph], DecodeSpec | None] = field(repr=False)


def to_detections(boxes: Array, scores: Array, class_ids: Array) -> Detections:
    """Return them in the types that `Detections` promises."""
    return Detections(
        boxes.astype(np.float32, copy=False),
        scores.astype(np.float32, copy=False),
        class_ids.astype(np.int64, copy=False),
    )


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
