"""The values of the dimension `class`, whatever labels and events come."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler import metrics
from handler.class_values import LARGEST_NUMBER, OTHER, OWN_VALUES, ClassValues, class_value
from pipeline.outcome import Outcome
from pipeline.runlog import RunLog
from tests.support import emf

COCO = ("person", "bicycle", "car")
HOSTILE = ["", " ", "\t\n", "\x00\x1b[31m", ":colon", "行人", "Höhe", "Hohe", "x" * 5000, OTHER,
           "001 person", "пешеход", "\ud800", "\u200b", "\N{FULLWIDTH COLON}"]  # fmt: skip
LABELS = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=()), max_size=80)),
    max_size=3 * LARGEST_NUMBER,
    unique=True,
).map(tuple)


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("person", "007 person"),
        ("Höhe", "007 Hohe"),
        ("行人", "007"),
        (" \x00a\tb\n ", "007 a b"),
        (":x", "007 :x"),
        ("x" * 99, "007 " + "x" * 40),
        ("", "007"),
    ],
)
def test_a_class_has_its_number_and_what_ascii_has_of_its_label(label: str, value: str) -> None:
    assert class_value(7, label) == value


@given(LABELS)
def test_any_labels_have_values_that_cloudwatch_accepts_and_that_differ(
    labels: tuple[str, ...],
) -> None:
    values = [class_value(number, label) for number, label in enumerate(labels, 1)]
    assert len({*values, OTHER}) == len(labels) + 1
    for value in values:
        emf.check_dimension("class", value)
        assert len(value) <= 44


@given(st.lists(LABELS, max_size=5))
def test_the_values_of_a_process_are_few_and_no_object_is_lost(
    models: list[tuple[str, ...]],
) -> None:
    values, given_values = ClassValues(), set()
    for labels in models:
        detections = Counter({label: number for number, label in enumerate(labels, 1)})
        counts = values.counts(detections, labels)
        assert counts.total() == detections.total()
        given_values |= set(counts)
    assert len(given_values) <= OWN_VALUES + 1


def test_the_values_of_all_processes_are_bounded_by_the_number_of_the_class() -> None:
    labels = tuple(f"class {number}" for number in range(1, 1001))
    found = set().union(*(ClassValues().counts({label: 1}, labels) for label in labels))
    assert len(found) == LARGEST_NUMBER + 1
    assert {"001 class 1", "100 class 100", OTHER} <= found


def test_the_most_frequent_classes_have_a_value_and_keep_it() -> None:
    labels = tuple(f"class {number}" for number in range(1, OWN_VALUES + 6))
    values = ClassValues()
    counts = values.counts({label: index for index, label in enumerate(labels, 1)}, labels)
    assert counts[OTHER] == 1 + 2 + 3 + 4 + 5
    assert counts["025 class 25"] == 25
    # Now the others are frequent, but each value stays with its class.
    assert values.counts({"class 1": 1000, "class 25": 1}, labels) == {
        OTHER: 1000,
        "025 class 25": 1,
    }


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_class_values", ClassValues())
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "pretag-test")


def emitted_classes(text: str) -> set[str]:
    return {blob["class"] for blob in emf.blobs(text) if "class" in blob}


def outcome_of(labels: tuple[str, ...]) -> Outcome:
    log = RunLog()
    log.detections_by_class = Counter(dict.fromkeys(labels, 3))
    return Outcome("s3://videos/höhe.mp4", "repeated", "s3://results/a", None, None, log.finished())


@pytest.mark.usefixtures("fresh")
def test_events_that_name_other_models_add_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.emit_outcome(outcome_of(COCO), COCO)
    for number in range(50):
        metrics.emit_outcome(outcome_of(tuple(f"{name} {number}" for name in HOSTILE)), ())
    assert emitted_classes(capsys.readouterr().out) == {
        "001 person", "002 bicycle", "003 car", OTHER
    }  # fmt: skip


@pytest.mark.usefixtures("fresh")
def test_fifty_deployed_models_have_few_values(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(50):
        labels = tuple(f"{name} {number}" for name in HOSTILE)
        metrics.emit_outcome(outcome_of(labels), labels)
    assert len(emitted_classes(capsys.readouterr().out)) == OWN_VALUES + 1


@pytest.mark.parametrize("value", ["", " ", "höhe", "a\tb", "x" * 1025, "\x7f", 7])
def test_the_checker_refuses_what_cloudwatch_refuses(value: object) -> None:
    line = {
        "_aws": {
            "Timestamp": 1_700_000_000_000,
            "CloudWatchMetrics": [
                {"Namespace": "pretag", "Dimensions": [["class"]], "Metrics": [{"Name": "N"}]}
            ],
        },
        "class": "001 person",
        "N": 1,
    }
    assert emf.blobs(json.dumps(line)) == [line]
    with pytest.raises(AssertionError):
        emf.blobs(json.dumps({**line, "class": value}))


def test_the_checker_refuses_a_name_that_begins_with_a_colon() -> None:
    with pytest.raises(AssertionError):
        emf.check_dimension(":class", "x")
