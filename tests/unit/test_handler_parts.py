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
from handler.events import Job, Skip, parse
from handler.metrics import CLASSES_WITH_METRICS, bounded
from pipeline.errors import BrokenError

EVENTS = Path(__file__).parents[2] / "events"
SUFFIXES = (".mp4", ".mov")


def event(key: str, name: str = "ObjectCreated:Put", **entity: str) -> dict[str, Any]:
    template: dict[str, Any] = json.loads((EVENTS / "s3-put.json").read_text())
    (record,) = template["Records"]
    record["eventName"] = name
    record["s3"]["object"] = {"key": key, **entity}
    return template


def test_the_sample_event() -> None:
    sample = json.loads((EVENTS / "s3-put.json").read_text())
    assert parse(sample, SUFFIXES) == [
        Job("pretag-videos", "incoming/pedestrians.mp4", version_id=None, etag=None)
    ]


def test_version_and_etag_are_taken_along() -> None:
    assert parse(event("a.mp4", versionId="v1", eTag="abc"), SUFFIXES) == [
        Job("pretag-videos", "a.mp4", version_id="v1", etag="abc")
    ]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_key_survives_the_form_encoding(name: str) -> None:
    key = f"{name}.mp4"
    (job,) = parse(event(quote_plus(key)), SUFFIXES)
    assert isinstance(job, Job)
    assert job.key == key


@pytest.mark.parametrize("key", ["a.MP4", "b.Mov", "c.d/e.mp4"])
def test_suffixes_are_told_in_any_case(key: str) -> None:
    assert isinstance(parse(event(key), SUFFIXES)[0], Job)


@pytest.mark.parametrize(
    ("key", "name", "why"),
    [
        ("notes.txt", "ObjectCreated:Put", "its suffix is not one of .mp4 .mov"),
        ("no-suffix", "ObjectCreated:Copy", "its suffix"),
        ("folder.mp4/", "ObjectRemoved:Delete", "ObjectRemoved:Delete creates no object"),
        ("a.mp4", "ObjectRemoved:DeleteMarkerCreated", "creates no object"),
        ("a.mp4", "ObjectTagging:Put", "creates no object"),
    ],
)
def test_what_asks_for_no_work_is_skipped_with_a_reason(key: str, name: str, why: str) -> None:
    (skip,) = parse(event(key, name), SUFFIXES)
    assert isinstance(skip, Skip)
    assert skip.what == f"s3://pretag-videos/{key}"
    assert why in skip.why


def test_s3s_test_event_is_skipped() -> None:
    (skip,) = parse({"Service": "Amazon S3", "Event": "s3:TestEvent"}, SUFFIXES)
    assert isinstance(skip, Skip)


@pytest.mark.parametrize(("odd", "says"), [({}, "none"), ({"video": "x"}, "video")])
def test_an_event_that_is_none_is_broken(odd: dict[str, str], says: str) -> None:
    with pytest.raises(BrokenError, match=rf"no S3 records \(its keys: {says}\)"):
        parse(odd, SUFFIXES)


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "out")
    monkeypatch.setenv("VIDEO_SUFFIXES", ".MP4, .xyz")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008")
    environment = Environment.load()
    assert environment.video_suffixes == (".mp4", ".xyz")
    assert environment.memory_megabytes == 3008
    monkeypatch.delenv("VIDEO_SUFFIXES")
    assert {".mp4", ".mov", ".mkv", ".ts"} < set(Environment.load().video_suffixes)


def test_an_environment_that_is_wrong_names_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUTPUT_BUCKET", raising=False)
    monkeypatch.setenv("PRETAG_CONFIG", "config.yaml")
    with pytest.raises(BrokenError, match=r"OUTPUT_BUCKET: Field required; PRETAG_CONFIG: .*s3"):
        Environment.load()


def test_classes_with_metrics_are_bounded() -> None:
    classes = tuple(f"class {n}" for n in range(CLASSES_WITH_METRICS + 5))
    counts = Counter(dict.fromkeys(classes, 2))
    found = bounded(counts, classes)
    assert len(found) == CLASSES_WITH_METRICS + 1
    assert found["other"] == 5 * 2
    assert found.total() == counts.total()
