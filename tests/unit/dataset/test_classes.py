"""The classes of a dataset: renamed, united, dropped, and only those wanted."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pipeline.config.schema import Config
from pipeline.dataset import coco
from pipeline.dataset.classes import ClassMap, final_labels, with_categories
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.errors import ConfigError
from pipeline.frame import Detections, FrameRecord

LABELS = ("person", "bicycle", "car", "truck")


def config(classes: tuple[str, ...] | None = None, **output: Any) -> Config:  # noqa: ANN401
    return Config.model_validate({"detector": {"classes": classes}, "output": output})


def written(class_ids: list[int], settings: Config) -> tuple[list[str], list[int]]:
    """Return the names of the categories and the category of each object in the COCO file."""
    boxes = np.tile(np.array([0, 0, 10, 10], dtype=np.float32), (len(class_ids), 1))
    scores = np.linspace(0.9, 0.5, len(class_ids), dtype=np.float32)
    classes = ClassMap(LABELS, settings)
    detections = Detections(boxes, scores, np.array(class_ids, dtype=np.int64))
    frame = FrameRecord(0, 0.0, 0, 64, 48, detections=classes.apply(detections))
    dataset = Dataset("clip.mp4", None, classes.labels, None, frames=FrameTable.of([frame]))
    file = json.loads(coco.instances(with_categories(dataset, settings)))
    assert [each["id"] for each in file["categories"]] == [*range(1, len(file["categories"]) + 1)]
    names = [each["name"] for each in file["categories"]]
    return names, [each["category_id"] for each in file["annotations"]]


def test_objects_of_a_dropped_class_are_not_in_the_dataset() -> None:
    assert written([0, 2], config(class_names={"person": None}))[1] == [2]


def test_without_settings_all_classes_of_the_model_are_written() -> None:
    assert written([2, 0], config()) == (list(LABELS), [3, 1])


def test_classes_are_renamed_united_and_dropped_and_ids_have_no_gap() -> None:
    names = {"car": "vehicle", "truck": "vehicle", "bicycle": None}
    assert written([3, 0, 1, 2], config(class_names=names)) == (["person", "vehicle"], [2, 1, 2])


def test_a_class_may_get_the_name_that_another_one_had() -> None:
    names = {"person": "car", "car": "person"}
    assert written([0, 2], config(class_names=names)) == (
        ["car", "bicycle", "person", "truck"],
        [1, 3],
    )


@pytest.mark.parametrize(
    ("categories", "names"),
    [("all", list(LABELS)), ("used", ["car"]), ("chosen", ["person", "car"])],
)
def test_categories_are_all_those_with_an_object_or_those_chosen(
    categories: str, names: list[str]
) -> None:
    assert written([2], config(("car", "person"), categories=categories))[0] == names


def test_chosen_classes_have_their_new_names() -> None:
    settings = config(("truck",), categories="chosen", class_names={"truck": "lorry"})
    assert written([], settings)[0] == ["lorry"]


def test_the_number_of_objects_by_class_has_the_new_names() -> None:
    assert final_labels(LABELS, {"car": "x", "truck": "x"}) == ("person", "bicycle", "x")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (config(class_names={"tuck": "lorry"}), "names 'tuck'.*did you mean 'truck'"),
        (config(class_names={"xyzzy": None}), "its classes are person"),
        (config(class_names=dict.fromkeys(LABELS)), "drops all classes"),
        (config(("car",), class_names={"car": None}), "drops all classes"),
    ],
)
def test_class_names_that_do_not_fit_the_model_are_refused(settings: Config, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ClassMap(LABELS, settings)
