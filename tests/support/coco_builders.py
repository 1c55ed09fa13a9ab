"""Small COCO files with known metrics."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.evaluation.coco_models import Instances, Prediction, RunInstances
from pipeline.evaluation.comparison import Box, Comparison

Json = dict[str, Any]
ImageCategoryBbox = tuple[int | str, int | str, Sequence[float]]


def coco_file(
    objects: Iterable[ImageCategoryBbox] = (),
    images: Iterable[int | str] = (1, 2),
    categories: Iterable[str] = ("person", "car"),
) -> Json:
    """Return a COCO file with images `frame_<id>.jpg`, and categories with ids from 1."""
    return {
        "images": [{"id": each, "file_name": f"frame_{each}.jpg"} for each in images],
        "categories": [{"id": id_, "name": name} for id_, name in enumerate(categories, start=1)],
        "annotations": [
            {"id": number, "image_id": image, "category_id": category, "bbox": list(bbox)}
            for number, (image, category, bbox) in enumerate(objects, start=1)
        ],
    }


def parse_truth(file: Json) -> Instances:
    """Return a COCO file as `read_truth` does."""
    return Instances.model_validate(_with_bbox_tuples(file))


def parse_run(file: Json) -> RunInstances:
    """Return a COCO file as `read_run` does. Annotations without a score get 0.5."""
    annotations = [{"score": 0.5, **each} for each in file["annotations"]]
    return RunInstances.model_validate(_with_bbox_tuples({**file, "annotations": annotations}))


def prediction(image: int | str, category: int | str, bbox: Sequence[float], score: float) -> Json:
    """Return an element of a COCO results list."""
    return {"image_id": image, "category_id": category, "bbox": list(bbox), "score": score}


def parse_predictions(elements: Iterable[Json]) -> list[Prediction]:
    """Return a COCO results list as `read_predictions` does."""
    return [Prediction.model_validate({**each, "bbox": tuple(each["bbox"])}) for each in elements]


def box(class_index: int, bbox: Sequence[float], image_index: int = 0) -> Box:
    """Return a labelled object."""
    x, y, width, height = bbox
    return Box(
        image_index,
        class_index,
        (x, y, width, height),
        width * height,
        is_crowd=False,
        score=0.5,
    )


def comparison(
    predicted: Sequence[Box],
    truth: Sequence[Box],
    class_names: Sequence[str] = ("car", "cat", "person"),
) -> Comparison:
    """Return a comparison with as many images as the boxes need."""
    image_count = 1 + max((each.image_index for each in (*predicted, *truth)), default=0)
    return Comparison(image_count, tuple(class_names), list(predicted), list(truth))


def _with_bbox_tuples(file: Json) -> Json:
    """Return a file with each bbox as a tuple: strict models accept a list only in JSON text."""
    return {
        **file,
        "annotations": [{**each, "bbox": tuple(each["bbox"])} for each in file["annotations"]],
    }
