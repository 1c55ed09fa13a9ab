"""The edge's own parts: events, environment, metrics."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.environment import Environment
from handler.events import Job, Skip, is_batch, jobs_in, jobs_in_text, messages_in
from handler.metrics import CLASSES_WITH_METRICS, bounded_counts
from pipeline.errors import BrokenError

EVENTS = Path(__file__).parents[2] / "events"


PEDESTRIANS = Job("pretag-videos", "incoming/pedestrians.mp4")


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def put(key: str, name: str = "ObjectCreated:Put", **entity: str) -> dict[str, Any]:
    template = event("s3-put")
    (record,) = template["Records"]
    record["eventName"] = name
    record["s3"]["object"] = {"key": key, **entity}
    return template


@pytest.mark.parametrize(
    ("name", "jobs"),
    [
        ("s3-put", [PEDESTRIANS]),
        (
            "s3-put-several",
            [
                PEDESTRIANS,
                Job("pretag-videos", "incoming/cam 1+2/höhe.MP4"),
                Job("pretag-videos", "incoming/notes.txt"),
            ],
        ),
        ("s3-test", [Skip("s3:TestEvent", "S3 sends it when a notification is configured")]),
        (
            "s3-delete",
            [Skip(PEDESTRIANS.uri, "ObjectRemoved:Delete creates no object")],
        ),
        ("sns", [PEDESTRIANS]),
        ("sqs", [PEDESTRIANS, Job("pretag-videos", "incoming/missing.mp4")]),
        ("eventbridge", [PEDESTRIANS]),
        ("redrive", [PEDESTRIANS]),
        (
            "direct",
            [
                Job(
                    "pretag-videos",
                    "incoming/pedestrians.mp4",
                    config={"sampling": {"every_seconds": 2}, "detector": {"classes": ["person"]}},
                    output="s3://pretag-results/trial",
                    named=True,
                )
            ],
        ),
    ],
)
def test_each_sample_event(name: str, jobs: list[Job | Skip]) -> None:
    assert list(jobs_in(event(name))) == jobs


def test_every_sample_event_is_tested() -> None:
    names = {path.stem for path in EVENTS.glob("*.json")}
    assert names == {
        "s3-put", "s3-put-several", "s3-test", "s3-delete", "sns", "sqs", "eventbridge", "direct",
        "redrive", "bad",
    }  # fmt: skip


def test_only_queues_want_partial_failures() -> None:
    assert [
        name for name in ("s3-put", "sns", "sqs", "redrive", "direct") if is_batch(event(name))
    ] == [
        "sqs",
        "redrive",
    ]
    assert [message for message, _ in messages_in(event("sqs"))] == [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
    ]


def test_version_and_etag_are_taken_along() -> None:
    assert list(jobs_in(put("a.mp4", versionId="v1", eTag="abc"))) == [
        Job("pretag-videos", "a.mp4", version_id="v1", etag="abc")
    ]


any_key = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(any_key)
def test_any_key_survives_the_form_encoding(key: str) -> None:
    assert list(jobs_in(put(quote_plus(key)))) == [Job("pretag-videos", key)]


@given(any_key)
def test_event_bridge_sends_keys_as_they_are(key: str) -> None:
    bridged = event("eventbridge")
    bridged["detail"]["object"]["key"] = key
    assert list(jobs_in(bridged)) == [Job("pretag-videos", key)]


def test_event_bridges_other_events_are_skipped() -> None:
    bridged = {**event("eventbridge"), "detail-type": "Object Tags Added"}
    assert list(jobs_in(bridged)) == [Skip(PEDESTRIANS.uri, "Object Tags Added creates no object")]


def test_a_topics_message_in_a_queue() -> None:
    (record,) = event("sns")["Records"]
    assert list(jobs_in_text(json.dumps(record["Sns"]))) == [PEDESTRIANS]


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (None, "The event is of type NoneType"),
        ({}, r"an unknown form .its keys: none."),
        ({"hello": 1}, r"its keys: hello"),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "a record from aws:kinesis"),
        ({"video": "https://x/y.mp4"}, "wrong keys or values: video"),
        ({"video": "s3://bucket"}, "wrong keys or values: video"),
        ({"video": 7}, "wrong keys or values: video"),
        ({"video": "s3://b/k", "confg": {}}, "wrong keys or values: confg"),
        ({"video": "s3://b/k", "config": "x"}, "wrong keys or values: config"),
        ({"video": "s3://b/k", "output": "results"}, "wrong keys or values: output"),
        ({"requestPayload": {"a": 1}}, "its keys: a"),
    ],
)
def test_an_event_that_is_none_is_broken(odd: dict[str, Any], says: str) -> None:
    with pytest.raises(BrokenError, match=says):
        list(jobs_in(odd))


@pytest.mark.parametrize(
    ("text", "says"), [("hello", "is not JSON"), ("[1]", "event is of type list")]
)
def test_a_message_that_is_none_is_broken(text: str, says: str) -> None:
    with pytest.raises(BrokenError, match=says):
        list(jobs_in_text(text))


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "out")
    monkeypatch.setenv("VIDEO_SUFFIXES", ".MP4, .xyz")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008")
    monkeypatch.setenv("PRETAG_CONFIG", "")
    environment = Environment.load()
    assert environment.config_file is None
    assert environment.video_suffixes == (".mp4", ".xyz")
    assert environment.memory_megabytes == 3008
    monkeypatch.delenv("VIDEO_SUFFIXES")
    assert {".mp4", ".mov", ".mkv", ".ts"} < set(Environment.load().video_suffixes)


def test_an_environment_that_is_wrong_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUTPUT_BUCKET", raising=False)
    with pytest.raises(BrokenError, match="OUTPUT_BUCKET is not set"):
        Environment.load()
    monkeypatch.setenv("OUTPUT_BUCKET", "out")
    monkeypatch.setenv("PRETAG_CONFIG", "config.yaml")
    with pytest.raises(BrokenError, match=r"PRETAG_CONFIG is 'config.yaml'; it must be s3://"):
        Environment.load()


def test_classes_with_metrics_are_bounded() -> None:
    classes = tuple(f"class {n}" for n in range(CLASSES_WITH_METRICS + 5))
    counts = Counter(dict.fromkeys(classes, 2))
    found = bounded_counts(counts, classes)
    assert len(found) == CLASSES_WITH_METRICS + 1
    assert found["other"] == 5 * 2
    assert found.total() == counts.total()
