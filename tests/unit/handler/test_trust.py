"""What events may name, and which values of the configuration they may set."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.jobs import Job
from handler.trust import RULES, Rule, Trust
from pipeline.config.layers import explain_keys, merge, tree_layer
from pipeline.config.schema import Config
from pipeline.errors import BrokenError

TRUST = Trust(("videos", "more"), "results", "s3://models/onnx/")
JOB = Job("videos", "a.mp4", named=True)


def config_of(tree: dict[str, Any]) -> Config:
    return merge(tree_layer("a test", tree))


def check(wanted: dict[str, Any], deployed: dict[str, Any] | None = None) -> None:
    layer = tree_layer("the deployment", deployed or {})
    TRUST.check_config(merge(layer), merge(layer, tree_layer("the event", wanted)))


def test_each_config_key_has_a_rule() -> None:
    assert list(RULES) == list(explain_keys())


@pytest.mark.parametrize(
    "job",
    [
        JOB,
        replace(JOB, bucket="more", named=False),
        replace(JOB, output="s3://results"),
        replace(JOB, output="s3://results/any/where/"),
        replace(JOB, output="s3://results/pretag-workshop"),
        replace(JOB, config={"sampling": None, "detector": {"classes": ["x"] * 2000}}),
    ],
)
def test_a_job_within_the_deployment_is_accepted(job: Job) -> None:
    TRUST.check_job(job)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (replace(JOB, bucket="other"), "names the bucket other. Events may name videos in videos,"),
        (replace(JOB, bucket="other", named=False), "names the bucket other"),
        (replace(JOB, bucket="x" * 3000), "names the bucket x{100}[.]{3}. "),
        (replace(JOB, output="s3://other/x"), "names the output s3://other/x"),
        (replace(JOB, output="s3://results2/x"), "names the output s3://results2/x"),
        (replace(JOB, output="s3://results//pretag-work/x"), "is below pretag-work/"),
        (replace(JOB, output="s3://results/pretag-work"), "is below pretag-work/"),
        (replace(JOB, output=f"s3://results/{'x' * 600}"), "at most 512 bytes"),
        (replace(JOB, config={"a" * 65: {}}), "at most 64 characters"),
        (replace(JOB, config={"a": {"b" * 65: 1}}), "at most 64 characters"),
        (replace(JOB, config={"a": dict.fromkeys(map(str, range(100)))}), "more than 100 names"),
        (replace(JOB, config={"a": {"b": "x" * 1025}}), "value for b that is too large"),
        (replace(JOB, config={"a": {"b": ["x" * 257]}}), "value for b that is too large"),
        (replace(JOB, config={"a": {"b": ["x"] * 2001}}), "value for b that is too large"),
        (replace(JOB, config={"a": {"b": 10**400}}), "value for b that is too large"),
        (replace(JOB, config={"a": {"b": {"c": [1]}}}), "value for b that is too large"),
        (replace(JOB, config={"a": {"b": {"x" * 257: 1}}}), "value for b that is too large"),
        (replace(JOB, config={"a": {"b": [[]]}}), "value for b that is too large"),
        (replace(JOB, config={"a": [["b"]]}), "value for a that is too large"),
        (replace(JOB, config={"a": {"b": "\ud800"}}), "value for b that is too large"),
    ],
)
def test_a_job_beyond_the_deployment_is_refused(job: Job, message: str) -> None:
    with pytest.raises(BrokenError, match=message):
        TRUST.check_job(job)


# For each key: a deployed value, a value that costs less, and one that costs more.
BOUNDED = {
    "sampling.every_seconds": (1.0, 2.0, 0.5),
    "sampling.start_seconds": (5, 6, 4),
    "sampling.end_seconds": (100, 99, None),
    "dedupe.compare_with": (10, 9, None),
    "detector.score_threshold": (0.5, 0.6, None),
    "detector.iou_threshold": (0.5, 0.4, None),
    "detector.tiles": (2, 1, 3),
    "detector.max_megabytes": (100, 99, 101),
    "limits.gigabytes": (10, 9, 11),
    "limits.megapixels": (20, 19, 21),
    "limits.hours": (1, 0.5, 1.5),
    "limits.streams": (5, 4, 6),
    "limits.stalled_seconds": (30, 29, 31),
    "output.images": (False, False, True),
    "decoding.square_pixels": (False, False, True),
    "output.jpeg_quality": (90, 1, 91),
}


def test_an_event_may_leave_exports_out_and_add_none() -> None:
    deployed = tree("output.exports", ["cvat", "csv"])
    check(tree("output.exports", ["csv"]), deployed)
    check(tree("output.exports", []), deployed)
    with pytest.raises(BrokenError, match=r"sets output\.exports .* add none"):
        check(tree("output.exports", ["csv", "yolo"]), deployed)


def tree(key: str, value: object) -> dict[str, Any]:
    section, _, name = key.partition(".")
    return {section: {name: value}}


def test_each_bounded_key_is_tested() -> None:
    assert set(BOUNDED) == {
        key for key, rule in RULES.items() if rule in {Rule.AT_MOST, Rule.AT_LEAST}
    }


@pytest.mark.parametrize("key", BOUNDED)
def test_an_event_may_make_a_video_cost_less_and_never_more(key: str) -> None:
    deployed, less, more = BOUNDED[key]
    check(tree(key, deployed), tree(key, deployed))
    check(tree(key, less), tree(key, deployed))
    with pytest.raises(BrokenError, match=f"sets {key} to .*, and the deployed value is"):
        check(tree(key, more), tree(key, deployed))


@pytest.mark.parametrize("key", BOUNDED)
def test_text_that_stands_for_a_value_is_compared_as_that_value(key: str) -> None:
    deployed, _, more = BOUNDED[key]
    with pytest.raises(BrokenError, match=f"sets {key} to"):
        check(tree(key, None if more is None else str(more)), tree(key, deployed))


@pytest.mark.parametrize(
    ("key", "value", "is_allowed"),
    [
        ("sampling.end_seconds", 1e6, True),
        ("dedupe.compare_with", 10**6, True),
        ("detector.score_threshold", 0.1, True),
        ("detector.score_threshold", 0.09, False),
        ("detector.iou_threshold", 0.9, True),
        ("detector.iou_threshold", 1, False),
        ("detector.tiles", 2, False),
        ("detector.classes", ["person"], True),
        ("dedupe.method", "none", True),
        ("detector.providers", ["CUDAExecutionProvider"], False),
    ],
)
def test_values_are_compared_with_the_defaults_if_nothing_else_is_deployed(
    key: str, value: object, *, is_allowed: bool
) -> None:
    if is_allowed:
        check(tree(key, value))
    else:
        with pytest.raises(BrokenError, match=f"sets {key}"):
            check(tree(key, value))


@pytest.mark.parametrize("model", ["s3://models/onnx/a.onnx", "s3://models/onnx/deep/a.onnx"])
def test_a_model_below_the_model_prefix_is_accepted(model: str) -> None:
    check(tree("detector.model", model))
    check(tree("detector.model", "ssdlite_mobilenet_v2_coco"), tree("detector.model", model))


@pytest.mark.parametrize(
    "model",
    [
        "/tmp/a.onnx",  # noqa: S108 - a name
        "models/ssdlite_mobilenet_v2_coco.onnx",
        "../x",
        "s3://models/onnx",
        "s3://models/onnx-private/a.onnx",
        "s3://models/a.onnx",
        "s3://other/onnx/a.onnx",
        "S3://models/onnx/a.onnx",
        "x" * 1000,
    ],
)
def test_any_other_model_is_refused(model: str) -> None:
    with pytest.raises(BrokenError, match=r"may name a bundled model .* below s3://models/"):
        check(tree("detector.model", model))


def test_without_a_model_bucket_only_bundled_models_are_accepted() -> None:
    trust = replace(TRUST, models=None)
    with pytest.raises(BrokenError, match=r"may name a bundled model .ssdlite[^,]* only"):
        trust.check_config(Config(), config_of(tree("detector.model", "s3://models/onnx/a.onnx")))


costs = st.fixed_dictionaries(
    {
        "sampling": st.fixed_dictionaries({"every_seconds": st.floats(0.001, 100)}),
        "detector": st.fixed_dictionaries({"tiles": st.integers(1, 8)}),
        "limits": st.fixed_dictionaries(
            {"hours": st.floats(0.1, 100), "megapixels": st.floats(0.1, 256)}
        ),
    }
)


@given(costs, costs)
def test_what_is_accepted_never_costs_more(
    deployed: dict[str, dict[str, float]], wanted: dict[str, dict[str, float]]
) -> None:
    is_cheaper = (
        wanted["sampling"]["every_seconds"] >= deployed["sampling"]["every_seconds"]
        and wanted["detector"]["tiles"] <= deployed["detector"]["tiles"]
        and wanted["limits"]["hours"] <= deployed["limits"]["hours"]
        and wanted["limits"]["megapixels"] <= deployed["limits"]["megapixels"]
    )
    if is_cheaper:
        check(wanted, deployed)
    else:
        with pytest.raises(BrokenError, match="costs more"):
            check(wanted, deployed)
