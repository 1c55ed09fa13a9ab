"""The types that each family provides, and the selection of classes by score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.frame import Detections

if TYPE_CHECKING:
    from pipeline.detection.graph import Graph
    from pipeline.detection.preprocess import Preprocess

Array = NDArray[Any]

_MAX_ROUNDING = 0.01  # of class ids that come as floats

BoxUnit = Literal["pixels", "shares"]
"""The unit of decoded boxes: pixels of the input, or shares of its width and height."""

Decode = Callable[[Sequence[Array], float, tuple[int, int]], Detections]
"""Decodes the outputs of one image: `decode(outputs, score_threshold, size)`.

`outputs` are the arrays that `DecodeSpec.outputs` names, in that order and with their batch
dimension. Detections below `score_threshold` are left out. `size` is the width and height of the
model's input in pixels. The result has boxes as x1 y1 x2 y2 in `DecodeSpec.box_unit` of that input,
and the model's own class ids, in any order.
"""


@dataclass(frozen=True)
class DecodeSpec:
    """How to use one graph: how to fill its input, and how to read boxes from its outputs.

    A family returns a spec for each graph that it recognises. For each image, the detector makes
    the input tensor with `preprocess`, runs the model to get `outputs`, calls `decode`, scales the
    boxes to pixels if their unit is shares, looks up the labels of the class ids, runs NMS if
    `needs_nms`, and maps the boxes back to the image.

    Attributes:
        why: the features by which the graph was recognised, as a clause such as "'output0' has one
            row for each object". `pretag model inspect` shows it.
        preprocess: what the family's reference code does to an image. A model card can override
            each part of it.
        outputs: names of the outputs that `decode` takes, in that order.
        decode: turns these outputs into boxes, class ids and scores.
        needs_nms: whether `decode` can return several boxes for one object, so that NMS has to run
            on them. False for models that remove such boxes themselves.
        class_count: number of classes, without the background; None if the graph does not show it.
        first_class_id: the class id of the first label: 1 if the model's class 0 is the background;
            None if the graph does not show it. A model card can override it.
        labels: the labels of all models of the family, such as `face`, for a model whose file and
            card have none; None if models differ.
        box_unit: the unit of the boxes that `decode` returns; None if the graph does not show it,
            so that the values have to. A model card can override it.
        unread: what the graph gives for each object besides its box and class, such as `masks`. It
            is not read, and each run tells so.
        inner: names of outputs from which the model made its boxes, in quotes. Nothing of an object
            is lost with them, so only commands about the model name them.
        required_card_keys: keys of `preprocess` that the model card has to give, because the models
            of the family differ in them and no model file says which value it needs.
    """

    why: str
    preprocess: Preprocess
    outputs: tuple[str, ...]
    decode: Decode
    needs_nms: bool
    class_count: int | None
    first_class_id: int | None = 0
    labels: tuple[str, ...] | None = None
    box_unit: BoxUnit | None = "pixels"
    unread: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    required_card_keys: tuple[str, ...] = ()

    @property
    def not_read(self) -> tuple[str, ...]:
        """All that the graph gives and pretag does not read."""
        return (*self.unread, *self.inner)


@dataclass(frozen=True)
class Family:
    """A kind of model whose graphs look alike and are decoded alike.

    Each module in `pipeline.detection.families` defines one as `FAMILY`.

    Attributes:
        name: the family's name in `pretag model inspect`, and as `family` on a model card.
        expects: the inputs and outputs of the family's graphs, as a noun phrase. It completes the
            error message "its card says family = ..., which needs {expects}".
        recognise: returns the spec of a graph of this family, and None for any other graph. It also
            returns None if it needs a size of an output that the file leaves open: if no family
            recognises the graph, the model is run once on a blank image, and `recognise` is called
            again with all sizes. It raises UnsupportedModelError if no input can take an image.
    """

    name: str
    expects: str
    recognise: Callable[[Graph], DecodeSpec | None] = field(repr=False)


def to_detections(boxes: Array, scores: Array, class_ids: Array) -> Detections:
    """Return detections, with the arrays converted to the dtypes of `Detections`.

    Args:
        boxes: N x 4, x1 y1 x2 y2.
        scores: N.
        class_ids: N; floats must be whole numbers, but for rounding.

    Raises:
        ValueError: class ids are not whole numbers: the column holds something else.
    """
    whole = np.rint(class_ids)
    if np.abs(class_ids - whole).max(initial=0) > _MAX_ROUNDING:
        raise ValueError("what should be class ids are not whole numbers")
    return Detections(
        boxes.astype(np.float32, copy=False),
        scores.astype(np.float32, copy=False),
        whole.astype(np.int64, copy=False),
    )


def select_best_class(scores: Array, score_threshold: float) -> tuple[Array, Array, Array]:
    """Select the best class of each row, in the rows where it reaches the threshold.

    Args:
        scores: N x classes.
        score_threshold: the lowest score to select.

    Returns:
        The indexes of the selected rows, their scores, and their class ids.
    """
    # max() on all rows is fast; the slower argmax() runs on the few selected rows only.
    best = scores.max(axis=1)
    rows = np.flatnonzero(best >= score_threshold)
    return rows, best[rows], scores[rows].argmax(axis=1)


def select_every_class(
    scores: Array, score_threshold: float, limit: int | None = None
) -> tuple[Array, Array, Array]:
    """Select each class of each row whose score reaches the threshold, best first.

    Args:
        scores: N x classes.
        score_threshold: the lowest score to select.
        limit: how many of the best scores to select; None for no limit.

    Returns:
        The indexes of the rows (a row with several classes occurs several times), the scores, and
        the class ids.
    """
    rows, class_ids = np.nonzero(scores >= score_threshold)
    selected = scores[rows, class_ids]
    order = np.argsort(-selected, kind="stable")[:limit]
    return rows[order], selected[order], class_ids[order]
