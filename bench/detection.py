"""Measure what detection costs beside inference: each family's post-processing, NMS, tiles.

Outputs are made up: as large as the families' usual exports, with 50 objects and 8 boxes for each.
"""  # noqa: INP001 - started by bench/run

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
import onnxruntime

from bench import results
from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.model import Model
from pipeline.detection.nms import non_max_suppression
from pipeline.detection.registry import FAMILIES
from pipeline.frame import Detections
from tests.support import clips

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pipeline.detection.families.common.base import Array
    from pipeline.frame import Image

SEED = 1
REPEATS = 25
CLASSES, OBJECTS, BOXES_AN_OBJECT = 80, 50, 8
SCORE_THRESHOLD, IOU_THRESHOLD = 0.4, 0.5
# Of the model's own inference. Made-up outputs have no model: the default model's time a pixel,
# which few models undercut, stands for theirs.
LARGEST_SHARE = 0.1
PICTURE = (1280, 720)
_RANDOM = np.random.default_rng(SEED)


class Case(NamedTuple):
    """A family's usual export: the side of its input, and its outputs by name."""

    side: int
    outputs: dict[str, Array]


def measured() -> str:
    """Measure, and return the report."""
    cv2.setNumThreads(1)
    model, street = Model.load(DetectorConfig().model), sample_frame()
    heading = f"## Detection\n\n{results.when_and_where()}; one thread, medians of {REPEATS}.\n"
    return "\n".join((heading, post_processing(model, street), crowds(), tiles(model, street)))


def post_processing(model: Model, street: Image) -> str:
    """Return the table of all that is done beside inference, with its share of ours."""
    placement = model.spec.preprocess.placement(*street.shape[1::-1])
    options = onnxruntime.RunOptions()
    tensor = model.spec.preprocess.make_tensor(street, placement, model.image_input)
    inference = "inference of the default model"
    contenders: dict[str, Callable[[], object]] = {
        inference: lambda: model.session.run(None, {model.image_input.name: tensor}, options),
        "its picture to a tensor": lambda: model.spec.preprocess.make_tensor(
            street, placement, model.image_input
        ),
    }
    made = {f"`{name}`: outputs to boxes": (name, case) for name, case in cases()}
    contenders |= {title: reader(name, case) for title, (name, case) in made.items()}
    taken = {name: median(each) for name, each in by_turns(contenders).items()}
    width, height = placement.input_size
    a_pixel = taken[inference] / (width * height)
    own = {title: taken[title] / (a_pixel * case.side**2) for title, (_, case) in made.items()}
    rows = [
        (
            name,
            f"{1000 * each:.2f}",
            f"{100 * each / taken[inference]:.1f} %",
            f"{100 * own[name]:.1f} %" if name in own else "",
        )
        for name, each in taken.items()
    ]
    verdict = "met" if max(own.values()) <= LARGEST_SHARE else "**missed**"
    return (
        f"Decoding, NMS and the way back to the picture, {OBJECTS} objects of {BOXES_AN_OBJECT} "
        f"boxes each, against the default model's inference of {width} x {height}, and against as "
        f"long a pixel of the family's own input (target: at most {100 * LARGEST_SHARE:g} %, "
        f"{verdict}):\n\n"
        + results.table(("what", "ms", "share of the default's", "of its own size's"), rows)
    )


def cases() -> list[tuple[str, Case]]:
    """Return outputs as large as those of each family's usual export."""
    count, several = OBJECTS * BOXES_AN_OBJECT, (5, CLASSES)
    yolo = rows_of(8400, several, count, 640)
    scores = rows_of(1917, (0, CLASSES + 1), count, 1)
    nanodet = np.concatenate(
        [rows_of(3598, (0, CLASSES), count, 1), _RANDOM.random((3598, 32))], axis=1
    )
    # Low scores are low logits: none of the columns is an object by chance.
    logits = rows_of(300, (0, CLASSES), OBJECTS, 1) * 12 - 6
    shares = _RANDOM.uniform(0.2, 0.4, (300, 4))
    corners = np.concatenate([shares[:, :2], shares[:, :2] + 0.1], axis=1)
    best, ids = _RANDOM.uniform(0, 0.9, 300), _RANDOM.integers(0, CLASSES, 300)
    made = {
        "ultralytics": Case(640, {"output0": rows_of(8400, (4, CLASSES), count, 640).T}),
        "yolov5": Case(640, {"output0": rows_of(25200, several, count, 640)}),
        "yolox": Case(640, {"output": yolo / [8, 8, 99, 99, *[1] * (1 + CLASSES)]}),
        "nanodet": Case(416, {"output": nanodet}),
        "ssd": Case(300, {"boxes": np.tile(corners, (7, 1))[:1917], "scores": scores}),
        "rtdetr": Case(640, {"labels": ids, "boxes": corners * 640, "scores": best}),
        "detr-sigmoid": Case(640, {"logits": logits, "pred_boxes": shares}),
        "end-to-end": Case(640, {"output0": np.column_stack([corners * 640, best, ids])}),
    }
    return list(made.items())


def rows_of(count: int, columns: tuple[int, int], lively: int, side: int) -> NDArray[np.float64]:
    """Return rows of a box (cx cy w h) and its score, as far as there is room, and class scores."""
    before, classes = columns
    rows = _RANDOM.uniform(0, 0.05, (count, before + classes))
    rows[:, : min(before, 4)] = _RANDOM.uniform(0.2, 0.8, (count, min(before, 4))) * side
    chosen = _RANDOM.choice(count, lively, replace=False)
    rows[chosen, 4:before] = 1
    rows[chosen, before + _RANDOM.integers(1, classes, lively)] = _RANDOM.uniform(0.7, 1, lively)
    return rows


def reader(name: str, case: Case) -> Callable[[], object]:
    """Return what reads made-up outputs as the family of this name does."""
    outputs: list[Array] = [
        # In the order in which a runtime gives them.
        each[np.newaxis].astype(np.int64 if each.dtype == np.int64 else np.float32, order="C")
        for each in case.outputs.values()
    ]
    family = next(family for family in FAMILIES if family.name == name)
    graph = Graph(
        inputs=inputs(name, case.side),
        outputs=tuple(
            TensorInfo(key, str(each.dtype), each.shape)
            for key, each in zip(case.outputs, outputs, strict=True)
        ),
        label_count=CLASSES,
    )
    spec = family.recognise(graph)
    if spec is None:
        raise ValueError(f"{name} does not know {graph}.")
    placement = spec.preprocess.placement(*PICTURE)

    def read() -> Any:  # noqa: ANN401 - only its time counts
        found = spec.decode(outputs, SCORE_THRESHOLD, placement.input_size)
        return placement.boxes_to_image(
            (non_max_suppression(found, IOU_THRESHOLD) if spec.needs_nms else found).boxes
        )

    return read


def inputs(name: str, side: int) -> tuple[TensorInfo, ...]:
    """Return the inputs that a family knows its graphs by."""
    picture = TensorInfo("images", "float32", (1, 3, side, side))
    sizes = TensorInfo("orig_target_sizes", "int64", (1, 2))
    return (picture, sizes) if name == "rtdetr" else (picture,)


def crowds() -> str:
    """Return the table of what NMS takes if nearly no box is left out before."""
    sizes = ((8_400, CLASSES), (8_400, 1), (25_200, CLASSES), (60_000, CLASSES))
    contenders: dict[str, Callable[[], object]] = {
        f"{boxes:,} boxes, classes: {classes}": crowd(boxes, classes) for boxes, classes in sizes
    }
    rows = [(name, f"{1000 * median(each):.0f}") for name, each in by_turns(contenders, 5).items()]
    return "NMS with a score threshold of 0:\n\n" + results.table(("what", "ms"), rows)


def crowd(count: int, classes: int) -> Callable[[], Detections]:
    """Return NMS of so many random boxes."""
    low = _RANDOM.uniform(0, 560, (count, 2))
    boxes = np.concatenate([low, low + _RANDOM.uniform(20, 80, (count, 2))], axis=1)
    ids = _RANDOM.integers(0, classes, count)
    found = Detections(boxes.astype(np.float32), _RANDOM.random(count, dtype=np.float32), ids)
    return lambda: non_max_suppression(found, IOU_THRESHOLD)


def tiles(model: Model, street: Image) -> str:
    """Return the table of what tiles cost and find: four of the sample's pictures in one."""
    wall = np.tile(street, (2, 2, 1))
    detectors = {tiles: Detector(model, DetectorConfig(tiles=tiles)) for tiles in (1, 2, 3, 4)}
    seconds = by_turns(
        {str(tiles): partial(each.detect, wall) for tiles, each in detectors.items()}, 9
    )
    rows = []
    for number, each in detectors.items():
        ratio = median(
            mine / alone for mine, alone in zip(seconds[str(number)], seconds["1"], strict=True)
        )
        rows.append((str(number), f"{ratio:.1f}", str(number**2 + (number > 1)), found(each, wall)))
    size = " x ".join(map(str, wall.shape[1::-1]))
    return (
        f"`detector.tiles`, the sample's first frame four times in a picture of {size}:\n\n"
        + results.table(("tiles", "time", "runs of the model", "persons and cars"), rows)
    )


def found(detector: Detector, image: Image) -> str:
    """Return how many persons and cars it finds."""
    ids = detector.detect(image).class_ids
    names = [detector.model.labels[each] for each in ids]
    return f"{names.count('person')} + {names.count('car')}"


def by_turns(
    contenders: dict[str, Callable[[], object]], repeats: int = REPEATS
) -> dict[str, Sequence[float]]:
    """Return each contender's CPU seconds, round by round; the first round is not counted."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(1 + repeats):
        for name, work in contenders.items():
            began = time.thread_time()
            work()
            seconds[name].append(time.thread_time() - began)
    return {name: each[1:] for name, each in seconds.items()}


def sample_frame() -> Image:
    """Return the sample's first frame."""
    return np.asarray(cv2.VideoCapture(str(clips.SAMPLE)).read()[1], dtype=np.uint8)


if __name__ == "__main__":
    results.publish(measured, __doc__ or "")
