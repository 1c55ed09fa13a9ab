"""COCO metrics against known answers, and against pycocotools used as its documentation says."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pipeline.evaluation.coco_metrics import METRICS, ClassMetrics, Metrics, compute_metrics
from pipeline.evaluation.comparison import compare_by_ids, compare_by_names
from tests.support import coco_builders
from tests.support.coco_builders import Json, coco_file, prediction

BIG = (0.0, 0.0, 100.0, 100.0)
FAR = (500.0, 0.0, 100.0, 100.0)


def metrics_of(predictions: list[Json], truth: Json) -> Metrics:
    return compute_metrics(
        compare_by_ids(
            coco_builders.parse_predictions(predictions), coco_builders.parse_truth(truth)
        )
    )


def test_a_false_box_between_two_right_boxes_lowers_precision() -> None:
    predictions = [
        prediction(1, 1, BIG, 0.9),
        prediction(1, 1, (0, 500, 100, 100), 0.8),
        prediction(1, 1, FAR, 0.7),
    ]
    metrics = metrics_of(predictions, coco_file([(1, 1, BIG), (1, 1, FAR)]))
    # At each IoU: precision 1 at 51 of 101 recall points, up to recall 0.5, and 2 / 3 at the rest.
    precision = round((51 + 50 * 2 / 3) / 101, 6)
    assert metrics.overall == {
        "AP": precision, "AP50": precision, "AP75": precision,
        "APs": None, "APm": None, "APl": precision,
        "AR1": 0.5, "AR10": 1.0, "AR100": 1.0, "ARs": None, "ARm": None, "ARl": 1.0,
    }  # fmt: skip
    assert metrics.by_class == (ClassMetrics("person", precision, precision, 1.0, 2, 3),)


def test_a_box_with_iou_62_counts_at_three_of_ten_thresholds() -> None:
    metrics = metrics_of([prediction(1, 1, (0, 0, 62, 100), 0.5)], coco_file([(1, 1, BIG)]))
    assert metrics.overall["AP"] == pytest.approx(0.3)
    assert (metrics.overall["AP50"], metrics.overall["AP75"]) == (1.0, 0.0)
    recall = metrics.by_class[0].AR100
    assert recall == pytest.approx(0.3)


def test_the_overall_metrics_are_means_over_the_classes_of_the_truth() -> None:
    truth = coco_file([(1, 1, BIG), (1, 2, FAR)], categories=("person", "car", "cat", "cow"))
    metrics = metrics_of([prediction(1, 1, BIG, 0.9), prediction(2, 3, BIG, 0.9)], truth)
    assert metrics.overall["AP"] == 0.5
    assert metrics.by_class == (
        ClassMetrics("car", 0.0, 0.0, 0.0, 1, 0),
        ClassMetrics("cat", None, None, None, 0, 1),
        ClassMetrics("person", 1.0, 1.0, 1.0, 1, 1),
    )


def test_metrics_are_zero_without_predictions() -> None:
    metrics = metrics_of([], coco_file([(1, 1, BIG)]))
    assert metrics.overall == {name: None if name[2:] in {"s", "m"} else 0.0 for name in METRICS}
    assert metrics.by_class == (ClassMetrics("person", 0.0, 0.0, 0.0, 1, 0),)


@pytest.mark.parametrize("predictions", [[], [prediction(1, 1, BIG, 0.9)]])
def test_metrics_are_none_for_a_truth_without_objects(predictions: list[Json]) -> None:
    metrics = metrics_of(predictions, coco_file())
    assert metrics.overall == dict.fromkeys(METRICS)
    assert len(metrics.by_class) == len(predictions)


def test_an_object_with_id_0_can_be_matched() -> None:
    truth = coco_file([(0, 1, BIG)], images=(0,))
    truth["annotations"][0]["id"] = 0
    assert metrics_of([prediction(0, 1, BIG, 0.9)], truth).overall["AP"] == 1.0


def test_ids_may_be_texts_and_numbers_in_one_file() -> None:
    truth = coco_file([("b", 1, BIG)], images=("a", "b", 7))
    assert metrics_of([prediction("b", 1, BIG, 0.9)], truth).overall["AP"] == 1.0


def test_boxes_in_a_crowd_region_are_not_false() -> None:
    truth = coco_file([(1, 1, BIG), (1, 1, FAR)])
    truth["annotations"][1]["iscrowd"] = 1
    predictions = [prediction(1, 1, BIG, 0.9), prediction(1, 1, (520, 20, 9, 9), 0.95)]
    metrics = metrics_of(predictions, truth)
    assert metrics.overall["AP"] == 1.0
    assert (metrics.by_class[0].truth, metrics.by_class[0].predictions) == (1, 2)


def test_sizes_are_from_the_area_in_the_truth() -> None:
    truth = coco_file([(1, 1, BIG)])
    truth["annotations"][0]["area"] = 500.0  # the area of a mask, which is smaller than the box
    assert metrics_of([prediction(1, 1, BIG, 0.9)], truth).overall["APs"] == 1.0


class Scene(NamedTuple):
    truth: Json
    predictions: list[Json]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Return 12 images of 4 classes, with missed objects, duplicates, crowd regions and all sizes.

    A fifth class is not used.
    """
    random = np.random.default_rng(7)
    truth = coco_file(images=range(5, 17), categories=("a", "b", "c", "d", "unused"))
    predictions = []
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
                score = round(float(random.random()), 1)  # rounded, so that many are equal
                predictions.append(prediction(image, guess, near.tolist(), score))
    return Scene({"info": {}, **truth}, predictions)


def reference_stats(scene: Scene, folder: Path, **params: Any) -> Any:  # noqa: ANN401 - no types
    """Return `stats` of pycocotools, which reads the scene from files."""
    (folder / "truth.json").write_text(json.dumps(scene.truth))
    (folder / "predictions.json").write_text(json.dumps(scene.predictions))
    truth = COCO(str(folder / "truth.json"))
    evaluation = COCOeval(truth, truth.loadRes(str(folder / "predictions.json")), "bbox")
    for name, value in params.items():
        setattr(evaluation.params, name, value)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


def test_metrics_equal_those_of_pycocotools(scene: Scene, tmp_path: Path) -> None:
    metrics = metrics_of(scene.predictions, scene.truth)
    stats = reference_stats(scene, tmp_path)
    assert 0.1 < stats[0] < 0.9
    assert list(metrics.overall.values()) == pytest.approx(stats.tolist(), abs=1e-6)
    assert [row.name for row in metrics.by_class] == ["a", "b", "c", "d"]
    for category, row in enumerate(metrics.by_class, start=1):
        stats = reference_stats(scene, tmp_path, catIds=[category])
        expected = [None if stats[index] < 0 else round(stats[index], 6) for index in (0, 1, 8)]
        class_metrics = [row.AP, row.AP50, row.AR100]
        assert class_metrics == expected
    assert metrics.by_class[3].AP is None


def test_metrics_are_the_same_when_images_are_matched_by_name(scene: Scene) -> None:
    truth = json.loads(json.dumps(scene.truth))
    run = coco_file(images=range(5, 17), categories=("a", "b", "c", "d", "unused"))
    run["annotations"] = scene.predictions
    for image in truth["images"]:
        image["file_name"] = f"default/{image['file_name']}"
        image["id"] += 100
    for annotation in truth["annotations"]:
        annotation["image_id"] += 100
    by_names = compute_metrics(
        compare_by_names(coco_builders.parse_run(run), coco_builders.parse_truth(truth))
    )
    assert by_names == metrics_of(scene.predictions, scene.truth)


def test_pycocotools_prints_nothing(scene: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    metrics_of(scene.predictions, scene.truth)
    assert capfd.readouterr() == ("", "")
