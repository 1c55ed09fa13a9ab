"""Measure detection without inference: the postprocessing of each family, NMS, and tiles.

The outputs are synthetic: as large as those of the usual exports, with 50 objects of 8 boxes each.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import onnxruntime

from bench import results
from bench.measuring import thread_seconds
from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.model import Model
from pipeline.detection.nms import non_max_suppression
from pipeline.detection.registry import FAMILIES
from pipeline.frame import Detections
from tests.support import clips
from tests.support.decoding import decode_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipeline.detection.families.common.base import Array
    from pipeline.frame import Image

SEED = 1
ROUNDS, NMS_ROUNDS, TILE_ROUNDS = 25, 5, 9
CLASSES, OBJECTS, BOXES_PER_OBJECT = 80, 50, 8
SCORE_THRESHOLD, IOU_THRESHOLD = 0.4, 0.5
# Share of the inference of the family's own model. The outputs are synthetic, so there is no such
# model. Its inference time is estimated: the default model's time per pixel, times the pixels of
# the export's input. Few models are faster per pixel than the default model.
LARGEST_SHARE = 0.1
IMAGE_SIZE = (1280, 720)
_RANDOM = np.random.default_rng(SEED)


class Export(NamedTuple):
    """The usual export of a family: the side of its input, and its outputs by name."""

    side: int
    outputs: dict[str, Array]


def measure() -> str:
    """Measure, and return the section."""
    cv2.setNumThreads(1)
    model = Model.load(DetectorConfig().model)
    image = decode_file(clips.SAMPLE, end_seconds=0.1).frames[0].image
    heading = f"## Detection\n\n{results.date_and_processor()}; one thread, medians of {ROUNDS}.\n"
    return "\n".join((heading, postprocessing(model, image), nms(), tiles(model, image)))


def postprocessing(model: Model, image: Image) -> str:
    """Return the table of all work besides inference, as shares of the inference."""
    preprocess = model.spec.preprocess
    placement = preprocess.placement(*image.shape[1::-1])
    tensor = preprocess.make_tensor(image, placement, model.image_input)
    inputs, options = {model.image_input.name: tensor}, onnxruntime.RunOptions()
    inference = "inference of the default model"
    exports = {f"`{name}`: outputs to boxes": (name, each) for name, each in make_exports().items()}
    seconds = thread_seconds(
        {
            inference: lambda: model.session.run(None, inputs, options),
            "its image to a tensor": partial(
                preprocess.make_tensor, image, placement, model.image_input
            ),
            **{title: decoder(name, export) for title, (name, export) in exports.items()},
        },
        ROUNDS,
    )
    medians = {name: median(each) for name, each in seconds.items()}
    width, height = placement.input_size
    per_pixel = medians[inference] / (width * height)
    shares_of_own = {
        title: medians[title] / (per_pixel * export.side**2)
        for title, (_, export) in exports.items()
    }
    rows = [
        (
            name,
            f"{1000 * each:.2f}",
            f"{100 * each / medians[inference]:.1f} %",
            f"{100 * shares_of_own[name]:.1f} %" if name in shares_of_own else "",
        )
        for name, each in medians.items()
    ]
    verdict = results.verdict(is_met=max(shares_of_own.values()) <= LARGEST_SHARE)
    titles = ("work", "ms", "share of the default's inference", "share of its own")
    return (
        f"Decoding, NMS and conversion to image pixels, for {OBJECTS} objects of "
        f"{BOXES_PER_OBJECT} boxes each. The inference of the default model has {width} x {height} "
        "pixels; that of a family's own input is estimated at the same time per pixel (target: at "
        f"most {100 * LARGEST_SHARE:g} % of its own, {verdict}):\n\n" + results.table(titles, rows)
    )


def make_exports() -> dict[str, Export]:
    """Return an export of each family, with random outputs."""
    count = OBJECTS * BOXES_PER_OBJECT
    yolo = random_rows(8400, (5, CLASSES), count, 640)
    scores = random_rows(1917, (0, CLASSES + 1), count, 1)
    nanodet = np.concatenate(
        [random_rows(3598, (0, CLASSES), count, 1), _RANDOM.random((3598, 32))], axis=1
    )
    # Logits of -6 to 6, so that low scores are no objects.
    logits = random_rows(300, (0, CLASSES), OBJECTS, 1) * 12 - 6
    shares = _RANDOM.uniform(0.2, 0.4, (300, 4))
    corners = np.concatenate([shares[:, :2], shares[:, :2] + 0.1], axis=1)
    best, ids = _RANDOM.uniform(0, 0.9, 300), _RANDOM.integers(0, CLASSES, 300)
    return {
        "ultralytics": Export(640, {"output0": random_rows(8400, (4, CLASSES), count, 640).T}),
        "yolov5": Export(640, {"output0": random_rows(25200, (5, CLASSES), count, 640)}),
        "yolox": Export(640, {"output": yolo / [8, 8, 99, 99, *[1] * (1 + CLASSES)]}),
        "nanodet": Export(416, {"output": nanodet}),
        "ssd": Export(300, {"boxes": np.tile(corners, (7, 1))[:1917], "scores": scores}),
        "rtdetr": Export(640, {"labels": ids, "boxes": corners * 640, "scores": best}),
        "detr-sigmoid": Export(640, {"logits": logits, "pred_boxes": shares}),
        "end-to-end": Export(640, {"output0": np.column_stack([corners * 640, best, ids])}),
    }


def random_rows(
    count: int, columns: tuple[int, int], objects: int, side: int
) -> NDArray[np.float64]:
    """Return rows of a random box, and class scores that are low except in some rows.

    Args:
        count: number of rows.
        columns: number of columns before the class scores, and number of classes. With 5 columns
            before, these are cx cy w h and objectness. With 4 there is no objectness, and with 0
            the rows have only class scores.
        objects: number of rows with a high class score.
        side: side of the input in pixels.
    """
    before, classes = columns
    rows = _RANDOM.uniform(0, 0.05, (count, before + classes))
    rows[:, : min(before, 4)] = _RANDOM.uniform(0.2, 0.8, (count, min(before, 4))) * side
    chosen = _RANDOM.choice(count, objects, replace=False)
    rows[chosen, 4:before] = 1
    class_columns = before + _RANDOM.integers(1, classes, objects)
    rows[chosen, class_columns] = _RANDOM.uniform(0.7, 1, objects)
    return rows


def decoder(name: str, export: Export) -> Callable[[], object]:
    """Return a function that turns the outputs of an export into boxes, as its family does."""
    outputs: list[Array] = [
        # In C order, as ONNX Runtime returns them.
        output[np.newaxis].astype(np.int64 if output.dtype == np.int64 else np.float32, order="C")
        for output in export.outputs.values()
    ]
    family = next(family for family in FAMILIES if family.name == name)
    graph = Graph(
        inputs=inputs_of(name, export.side),
        outputs=tuple(
            TensorInfo(key, str(output.dtype), output.shape)
            for key, output in zip(export.outputs, outputs, strict=True)
        ),
        label_count=CLASSES,
    )
    spec = family.recognise(graph)
    if spec is None:
        raise ValueError(f"The family {name} does not recognise {graph}.")
    placement = spec.preprocess.placement(*IMAGE_SIZE)

    def decode() -> object:
        detections = spec.decode(outputs, SCORE_THRESHOLD, placement.input_size)
        if spec.needs_nms:
            detections = non_max_suppression(detections, IOU_THRESHOLD)
        return placement.boxes_to_image(detections.boxes)

    return decode


def inputs_of(name: str, side: int) -> tuple[TensorInfo, ...]:
    """Return the inputs of a family's export."""
    image = TensorInfo("images", "float32", (1, 3, side, side))
    sizes = TensorInfo("orig_target_sizes", "int64", (1, 2))
    return (image, sizes) if name == "rtdetr" else (image,)


def nms() -> str:
    """Return the table of NMS times for many boxes."""
    sizes = ((8_400, CLASSES), (8_400, 1), (25_200, CLASSES), (60_000, CLASSES))
    seconds = thread_seconds(
        {
            f"{boxes:,} boxes, classes: {classes}": partial(
                non_max_suppression, random_detections(boxes, classes), IOU_THRESHOLD
            )
            for boxes, classes in sizes
        },
        NMS_ROUNDS,
    )
    rows = [(name, f"{1000 * median(each):.0f}") for name, each in seconds.items()]
    return "NMS with a score threshold of 0:\n\n" + results.table(("boxes", "ms"), rows)


def random_detections(count: int, classes: int) -> Detections:
    """Return random boxes of 20 to 80 pixels, with random scores and classes."""
    top_left = _RANDOM.uniform(0, 560, (count, 2))
    boxes = np.concatenate([top_left, top_left + _RANDOM.uniform(20, 80, (count, 2))], axis=1)
    ids = _RANDOM.integers(0, classes, count)
    return Detections(boxes.astype(np.float32), _RANDOM.random(count, dtype=np.float32), ids)


def tiles(model: Model, image: Image) -> str:
    """Return the table of times and found objects by number of tiles."""
    four_images = np.tile(image, (2, 2, 1))
    detectors = {tiles: Detector(model, DetectorConfig(tiles=tiles)) for tiles in (1, 2, 3, 4)}
    seconds = thread_seconds(
        {str(tiles): partial(each.detect, four_images) for tiles, each in detectors.items()},
        TILE_ROUNDS,
    )
    rows = []
    for number, detector in detectors.items():
        pairs = zip(seconds[str(number)], seconds["1"], strict=True)
        ratio = median(with_tiles / without for with_tiles, without in pairs)
        runs = number**2 + (number > 1)
        rows.append((str(number), f"{ratio:.1f}", str(runs), objects_in(four_images, detector)))
    size = " x ".join(map(str, four_images.shape[1::-1]))
    return (
        f"`detector.tiles`, for an image of {size} that shows the first frame of the sample four "
        "times:\n\n"
        + results.table(("tiles", "time", "runs of the model", "persons and cars"), rows)
    )


def objects_in(image: Image, detector: Detector) -> str:
    """Return the cell with the number of persons and cars that a detector finds."""
    labels = [detector.model.labels[class_id] for class_id in detector.detect(image).class_ids]
    return f"{labels.count('person')} + {labels.count('car')}"


if __name__ == "__main__":
    results.run(measure, __doc__ or "")
