"""The figures: worked out by hand, and against pycocotools as its own manual uses it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pipeline.evaluation.coco_figures import FIGURES, ClassFigures, Figures, figures
from pipeline.evaluation.comparison import by_ids, by_names
from tests.support import coco_builders
from tests.support.coco_builders import Json, prediction

BIG = (0.0, 0.0, 100.0, 100.0)
FAR = (500.0, 0.0, 100.0, 100.0)


def judge(found: list[Json], truth: Json) -> Figures:
    return figures(by_ids(coco_builders.predicted(found), coco_builders.truth(truth)))


def test_a_false_one_between_two_right_ones() -> None:
    found = [
        prediction(1, 1, BIG, 0.9),
        prediction(1, 1, (0, 500, 100, 100), 0.8),
        prediction(1, 1, FAR, 0.7),
    ]
    result = judge(found, coco_builders.coco([(1, 1, BIG), (1, 1, FAR)]))
    # Of 101 recalls, 51 up to the half at precision 1, the others at 2 / 3; at every IoU.
    precision = round((51 + 50 * 2 / 3) / 101, 6)
    assert result.overall == {
        "AP": precision, "AP50": precision, "AP75": precision,
        "APs": None, "APm": None, "APl": precision,
        "AR1": 0.5, "AR10": 1.0, "AR100": 1.0, "ARs": None, "ARm": None, "ARl": 1.0,
    }  # fmt: skip
    assert result.by_class == (ClassFigures("person", precision, precision, 1.0, 2, 3),)


def test_a_box_of_iou_62_counts_at_three_of_ten_thresholds() -> None:
    result = judge([prediction(1, 1, (0, 0, 62, 100), 0.5)], coco_builders.coco([(1, 1, BIG)]))
    assert result.overall["AP"] == pytest.approx(0.3)
    assert (result.overall["AP50"], result.overall["AP75"]) == (1.0, 0.0)
    recall = result.by_class[0].AR100
    assert recall == pytest.approx(0.3)


def test_the_mean_is_over_classes_that_there_are() -> None:
    truth = coco_builders.coco(
        [(1, 1, BIG), (1, 2, FAR)], categories=("person", "car", "cat", "cow")
    )
    result = judge([prediction(1, 1, BIG, 0.9), prediction(2, 3, BIG, 0.9)], truth)
    assert result.overall["AP"] == 0.5
    assert result.by_class == (
        ClassFigures("car", 0.0, 0.0, 0.0, 1, 0),
        ClassFigures("cat", None, None, None, 0, 1),
        ClassFigures("person", 1.0, 1.0, 1.0, 1, 1),
    )


def test_nothing_predicted_is_zero() -> None:
    result = judge([], coco_builders.coco([(1, 1, BIG)]))
    assert result.overall == {name: None if name[2:] in {"s", "m"} else 0.0 for name in FIGURES}
    assert result.by_class == (ClassFigures("person", 0.0, 0.0, 0.0, 1, 0),)


@pytest.mark.parametrize("found", [[], [prediction(1, 1, BIG, 0.9)]])
def test_no_truth_is_no_figure(found: list[Json]) -> None:
    result = judge(found, coco_builders.coco())
    assert result.overall == dict.fromkeys(FIGURES)
    assert len(result.by_class) == len(found)


def test_an_object_numbered_0_is_found_as_well() -> None:
    truth = coco_builders.coco([(0, 1, BIG)], images=(0,))
    truth["annotations"][0]["id"] = 0
    assert judge([prediction(0, 1, BIG, 0.9)], truth).overall["AP"] == 1.0


def test_ids_may_be_texts() -> None:
    truth = coco_builders.coco([("b", 1, BIG)], images=("a", "b", 7))
    assert judge([prediction("b", 1, BIG, 0.9)], truth).overall["AP"] == 1.0


def test_a_crowd_is_nothing_to_find() -> None:
    truth = coco_builders.coco([(1, 1, BIG), (1, 1, FAR)])
    truth["annotations"][1]["iscrowd"] = 1
    found = [prediction(1, 1, BIG, 0.9), prediction(1, 1, (520, 20, 9, 9), 0.95)]
    result = judge(found, truth)
    assert result.overall["AP"] == 1.0
    assert (result.by_class[0].truth, result.by_class[0].predictions) == (1, 2)


def test_sizes_are_by_the_truths_own_area() -> None:
    truth = coco_builders.coco([(1, 1, BIG)])
    truth["annotations"][0]["area"] = 500.0  # of the mask within the box
    assert judge([prediction(1, 1, BIG, 0.9)], truth).overall["APs"] == 1.0


class Scene(NamedTuple):
    truth: Json
    found: list[Json]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Return 12 images of 4 classes with all that may be: misses, doubles, crowds, sizes."""
    random = np.random.default_rng(7)
    truth = coco_builders.coco(images=range(5, 17), categories=("a", "b", "c", "d", "unused"))
    found = []
    for image in range(5, 17):
        for _ in range(random.integers(1, 15)):
            bbox = np.round([*random.uniform(0, 300, 2), *random.uniform(5, 150, 2)], 2)
            category = int(random.integers(1, 4))
            truth["annotations"].append({
                "id": len(truth["annotations"]) + 1, "image_id": image, "category_id": category,
                "bbox": bbox.tolist(), "area": float(bbox[2] * bbox[3]),
                "iscrowd": int(random.random() < 0.1),
            })  # fmt: skip
            for _ in range(random.integers(0, 3)):
                guess = category if random.random() < 0.8 else int(random.integers(1, 5))
                near = np.abs(bbox + random.normal(0, 6, 4)).round(2)
                score = round(float(random.random()), 1)  # equal scores are common
                found.append(prediction(image, guess, near.tolist(), score))
    return Scene({"info": {}, **truth}, found)


def reference(scene: Scene, folder: Path, **params: Any) -> Any:  # noqa: ANN401 - it has no types
    (folder / "truth.json").write_text(json.dumps(scene.truth))
    (folder / "found.json").write_text(json.dumps(scene.found))
    truth = COCO(str(folder / "truth.json"))
    evaluation = COCOeval(truth, truth.loadRes(str(folder / "found.json")), "bbox")
    for name, value in params.items():
        setattr(evaluation.params, name, value)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


def test_figures_are_those_of_pycocotools(scene: Scene, tmp_path: Path) -> None:
    result = judge(scene.found, scene.truth)
    stats = reference(scene, tmp_path)
    assert 0.1 < stats[0] < 0.9
    assert list(result.overall.values()) == pytest.approx(stats.tolist(), abs=1e-6)
    assert [row.name for row in result.by_class] == ["a", "b", "c", "d"]
    for number, row in enumerate(result.by_class, start=1):
        own = reference(scene, tmp_path, catIds=[number])
        expected = [None if own[place] < 0 else round(own[place], 6) for place in (0, 1, 8)]
        class_figures = [row.AP, row.AP50, row.AR100]
        assert class_figures == expected
    assert result.by_class[3].AP is None


def test_by_names_they_are_the_same(scene: Scene) -> None:
    truth = json.loads(json.dumps(scene.truth))
    run = coco_builders.coco(images=range(5, 17), categories=("a", "b", "c", "d", "unused"))
    run["annotations"] = scene.found
    for image in truth["images"]:
        image["file_name"] = f"default/{image['file_name']}"
        image["id"] += 100
    for annotation in truth["annotations"]:
        annotation["image_id"] += 100
    named = figures(by_names(coco_builders.run(run), coco_builders.truth(truth)))
    assert named == judge(scene.found, scene.truth)


def test_it_is_silent(scene: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    judge(scene.found, scene.truth)
    assert capfd.readouterr() == ("", "")
