"""Drift: raised by a class that fades, and not by runs without drift. All draws are seeded."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.drift.baseline import LEAST_RESULTS, Baseline
from pipeline.drift.comparison import compare
from pipeline.drift.drift import Drift, NotCompared, drift_json
from pipeline.drift.limit import FALSE_RATE
from pipeline.drift.sample import LEAST_OBJECTS, Sample, detector_facts
from pipeline.drift.spread import LARGEST_SPREAD, spread_of
from pipeline.errors import BrokenError, InputFileError
from tests.support.cloudformation import DEFAULTS
from tests.support.drift import DETECTOR, LABELS, SCORES, SETTINGS, SHARES, baseline, sample

OBJECTS = (50, 120, 300)
DRIFTS_PER_DAY = int(DEFAULTS["DriftsPerDay"])


def drifted(one: Sample, other: Baseline) -> bool:
    drift = compare(one, other)
    assert isinstance(drift, Drift)
    return drift.is_drifted


@pytest.mark.parametrize("likeness", [1e6, 50, 10, 2])
@pytest.mark.parametrize("results", [5, 50])
def test_of_500_runs_without_drift_no_more_than_the_stated_rate_is_flagged(
    likeness: float, results: int
) -> None:
    random = np.random.default_rng(results)
    usual = baseline(random, likeness, results)
    runs = [sample(random, OBJECTS[number % 3], likeness) for number in range(500)]
    flagged = sum(drifted(run, usual) for run in runs)
    assert flagged <= 500 * FALSE_RATE
    assert flagged <= DRIFTS_PER_DAY


@pytest.mark.parametrize("likeness", [1e6, 50])
def test_a_class_that_fades_over_50_runs_raises_the_alarm(likeness: float) -> None:
    random = np.random.default_rng(1)
    usual = baseline(random, likeness)
    flags = []
    for left in np.linspace(1, 0, 50):
        shares = np.array([SHARES[0] * left, *SHARES[1:]])
        flags.append(drifted(sample(random, 300, likeness, shares / shares.sum()), usual))
    assert sum(flags) > DRIFTS_PER_DAY
    assert not any(flags[:10])
    assert all(flags[-2:])


def test_scores_that_fall_are_drift_although_the_classes_stay() -> None:
    random = np.random.default_rng(2)
    drift = compare(sample(random, 300, 1e6, SHARES, SCORES[::-1]), baseline(random, 1e6))
    assert isinstance(drift, Drift)
    assert drift.is_drifted
    assert drift.level == drift.scores.index / drift.scores.limit > 1
    assert drift.classes.index < drift.classes.limit


def test_a_class_that_the_baseline_does_not_have_is_drift() -> None:
    random = np.random.default_rng(3)
    usual = baseline(random, 1e6)
    run = sample(random, 300, 1e6)
    other = replace(run, classes=run.classes - Counter(person=100) + Counter(boat=100))
    assert (drifted(run, usual), drifted(other, usual)) == (False, True)


def test_the_same_run_has_the_same_figures() -> None:
    usual = baseline(np.random.default_rng(4), 50)
    run = sample(np.random.default_rng(5), 200, 50)
    assert compare(run, usual) == compare(run, Baseline.parse(as_file(usual), "b.json"))


def test_more_results_and_more_objects_make_the_limit_sharper() -> None:
    few, many = (baseline(np.random.default_rng(6), 50, results) for results in (5, 100))
    random = np.random.default_rng(7)
    limits = [
        compare(sample(random, objects, 50), usual).classes.limit  # type: ignore[union-attr]
        for usual in (few, many)
        for objects in (50, 1000)
    ]
    assert limits[0] > limits[1] > limits[2] > limits[3] > 0


def test_small_runs_are_not_compared_and_say_so() -> None:
    random = np.random.default_rng(8)
    usual = baseline(random, 50)
    small = compare(sample(random, LEAST_OBJECTS - 1, 50), usual)
    assert small == NotCompared("The run has 49 objects, and a comparison needs 50.")
    assert drift_json(small) == {"not_compared": small.reason}


@pytest.mark.parametrize(
    ("place", "change", "is_compared"),
    [
        ("model", {"sha256": "6" * 64}, False),
        ("model", {"score_threshold": 0.3}, False),
        ("model", {"iou_threshold": 0.7}, False),
        ("detector", {"classes": ["person"]}, False),
        ("detector", {"tiles": 2}, False),
        ("detector", {"tile_overlap": 0.4}, True),  # of one tile
        ("output", {"class_names": {"car": "vehicle"}}, False),
        ("output", {"class_names": {"car": None}}, False),
        ("output", {"class_names": {"car": "car"}}, True),
    ],
)
def test_what_decides_the_objects_is_equal_or_nothing_is_compared(
    place: str, change: dict[str, Any], *, is_compared: bool
) -> None:
    random = np.random.default_rng(13)
    usual, run = baseline(random, 50), sample(random, 99, 50)
    settings: Any = deepcopy(SETTINGS)
    (settings if place == "model" else settings["config"])[place].update(change)
    compared = compare(replace(run, detector=detector_facts(settings)), usual)
    assert isinstance(compared, Drift) == is_compared
    if isinstance(compared, NotCompared):
        assert "another detector" in compared.reason


def test_the_overlap_of_several_tiles_must_be_equal() -> None:
    settings: Any = deepcopy(SETTINGS)
    wanted = settings["config"]["detector"]
    wanted["tiles"] = 2
    facts = detector_facts(settings)
    wanted["tile_overlap"] = 0.4
    assert detector_facts(settings) != facts


def test_the_spread_is_that_of_videos_with_one_class_each_or_of_equal_ones() -> None:
    one_class_each = np.array([[100, 0], [0, 100]] * 10)
    assert spread_of(one_class_each) == LARGEST_SPREAD
    assert spread_of(np.array([[60, 40]] * 20)) < 0.001
    assert spread_of(np.array([[60]] * 20)) < 0.001


@pytest.mark.parametrize("likeness", [2, 10, 50])
def test_the_spread_of_many_videos_is_that_of_their_distribution(likeness: float) -> None:
    random = np.random.default_rng(9)
    counts = [list(sample(random, 300, likeness).classes.values()) for _ in range(2000)]
    assert spread_of(np.array(counts)) == pytest.approx(1 / (1 + likeness), rel=0.15)


def as_file(usual: Baseline) -> bytes:
    return usual.model_dump_json().encode()


def test_a_baseline_has_a_mean_of_results_and_rare_classes_together() -> None:
    random = np.random.default_rng(10)
    samples = [sample(random, 500, 1e6) for _ in range(30)]
    rare = Counter({f"rare {number}": 1 for number in range(30)})
    samples[0] = replace(samples[0], classes=samples[0].classes + rare)
    usual = Baseline.of(samples)
    assert usual.labels[:5] == LABELS[:5]
    assert not set(usual.labels) & set(rare)
    assert usual.classes.shares[0] == pytest.approx(0.5, abs=0.02)
    assert sum(usual.classes.shares) == pytest.approx(1, abs=1e-4)
    assert usual.scores.shares[:4] == (0, 0, 0, 0)
    assert len(as_file(usual)) < 2000


def test_with_hundreds_of_classes_the_most_frequent_one_is_compared_with_all_others() -> None:
    scores = (0, 0, 0, 0, 10, 20, 30, 40, 30, 20)
    counts = {f"class {number:03}": 1 for number in range(149)}
    alike = Sample(DETECTOR, Counter({"usual": 1, **counts}), scores)
    usual = Baseline.of([alike] * 6)
    assert len(usual.labels) == 1
    drift = compare(alike, usual)
    assert isinstance(drift, Drift)
    assert not drift.is_drifted
    changed = compare(replace(alike, classes=Counter({usual.labels[0]: 150})), usual)
    assert isinstance(changed, Drift)
    assert changed.is_drifted


def test_few_results_or_different_detectors_make_no_baseline() -> None:
    random = np.random.default_rng(11)
    samples = [sample(random, 100, 50) for _ in range(LEAST_RESULTS)]
    with pytest.raises(InputFileError, match="needs 5 results with 50 objects each, and"):
        Baseline.of(samples[1:])
    samples[0] = replace(samples[0], detector={**DETECTOR, "tiles": 2})
    with pytest.raises(InputFileError, match="different detectors"):
        Baseline.of(samples)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"results": 1}, "results: Input should be greater than or equal to 5"),
        ({"labels": ("person",)}, "the number of shares is wrong"),
        ({"labels": ()}, "labels: Tuple should have at least 1 item"),
        ({"other": 1}, "other: Extra inputs are not permitted"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(change: dict[str, object], why: str) -> None:
    usual = baseline(np.random.default_rng(12), 50)
    data = usual.model_copy(update=change).model_dump_json().encode()
    if "other" in change:
        data = as_file(usual).replace(b"{", b'{"other": 1,', 1)
    with pytest.raises(BrokenError, match=why):
        Baseline.parse(data, "b.json")
    with pytest.raises(BrokenError, match=r"b\.json is no baseline: Invalid JSON"):
        Baseline.parse(data[:-9], "b.json")
