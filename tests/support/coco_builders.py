"""COCO files made by hand, small enough to know their answers."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.evaluation.coco_models import Instances, Prediction, RunInstances
from pipeline.evaluation.comparison import Box, Comparison

Json = dict[str, Any]
Row = tuple[int | str, int | str, Sequence[float]]


def coco(
    rows: Iterable[Row] = (),
    images: Iterable[int | str] = (1, 2),
    categories: Iterable[str] = ("person", "car"),
) -> Json:
    """Return a COCO file; rows are image id, category id, bbox; images `frame_<id>.jpg`."""
    return {
        "images": [{"id": each, "file_name": f"frame_{each}.jpg"} for each in images],
        "categories": [{"id": id_, "name": name} for id_, name in enumerate(categories, start=1)],
        "annotations": [
            {"id": number, "image_id": image, "category_id": category, "bbox": list(bbox)}
            for number, (image, category, bbox) in enumerate(rows, start=1)
        ],
    }


def scored(file: Json) -> Json:
    """Return the same file as a run would have written it; scores that there are stay."""
    return {**file, "annotations": [{"score": 0.5, **each} for each in file["annotations"]]}


def truth(file: Json) -> Instances:
    """Return a file as read."""
    return Instances.model_validate(tupled(file))


def run(file: Json) -> RunInstances:
    """Return a run's file as read."""
    return RunInstances.model_validate(tupled(scored(file)))


def tupled(file: Json) -> Json:
    """Return a file with boxes as tuples: what is strict takes JSON's lists from JSON only."""
    return {
        **file,
        "annotations": [{**each, "bbox": tuple(each["bbox"])} for each in file["annotations"]],
    }


def prediction(image: int | str, category: int | str, bbox: Sequence[float], score: float) -> Json:
    """Return an element of a results list."""
    return {"image_id": image, "category_id": category, "bbox": list(bbox), "score": score}


def predicted(elements: Iterable[Json]) -> list[Prediction]:
    """Return a results list as read."""
    return [Prediction.model_validate({**each, "bbox": tuple(each["bbox"])}) for each in elements]


def box(category: int, bbox: Sequence[float], image: int = 0) -> Box:
    """Return a labelled object."""
    x, y, width, height = bbox
    return Box(image, category, (x, y, width, height), width * height, crowd=False, score=0.5)


def comparison(
    found: Sequence[Box], truth: Sequence[Box], classes: Sequence[str] = ("car", "cat", "person")
) -> Comparison:
    """Return what is compared, in as many images as the boxes need."""
    images = 1 + max((each.image for each in (*found, *truth)), default=0)
    return Comparison(images, tuple(classes), list(found), list(truth))
