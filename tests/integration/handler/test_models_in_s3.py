"""Models in S3: they are fetched once, with their card, and errors name the object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import BrokenError
from tests.support.default_model import DEFAULT_MODEL
from tests.support.hostile_models import write_large_output
from tests.support.lambda_function import (
    KEY,
    VIDEOS,
    create_bucket,
    invoke,
    put_video,
    result_files,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MODEL_URI = "s3://models/my detector.v1.onnx"


@pytest.fixture
def models(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """Put the sample, and the default model without its card, which events may name."""
    monkeypatch.setenv("MODEL_BUCKET", "models")
    put_video(s3)
    create_bucket(s3, "models")
    s3.put_object(Bucket="models", Key="my detector.v1.onnx", Body=DEFAULT_MODEL.read_bytes())
    return s3


def event(model: str, **detector: object) -> dict[str, Any]:
    config = {"detector": {"model": model, **detector}}
    return {"video": f"s3://{VIDEOS}/{KEY}", "config": config}


def test_a_model_is_fetched_once_with_its_card(
    models: S3Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    card = 'name = "mine"\n[thresholds]\nscore = 0.85\n'
    models.put_object(Bucket="models", Key="my detector.v1.toml", Body=card.encode())
    (video,) = invoke(event(MODEL_URI))["videos"]
    files = result_files(models)
    config = json.loads(next(data for key, data in files.items() if key.endswith("/config.json")))
    assert config["model"]["name"] == "my detector.v1"
    assert config["model"]["score_threshold"] == 0.85
    assert not list(tmp_path.iterdir())
    models.delete_object(Bucket="models", Key="my detector.v1.onnx")
    (again,) = invoke(event(MODEL_URI))["videos"]
    assert again["result"] == video["result"]


@pytest.mark.parametrize(
    ("uri", "detector", "message"),
    [
        ("s3://models/missing.onnx", {}, r"s3://models/missing\.onnx does not exist"),
        (MODEL_URI, {"max_megabytes": 1}, r"detector\.max_megabytes allows 1"),
        ("s3://models/cut.onnx", {}, r"s3://models/cut\.onnx, as fetched from S3: .*cut short"),
        ("s3://models/other.onnx", {}, "is not the file of its card"),
    ],
)
def test_a_model_that_cannot_be_used_is_an_error(
    models: S3Client, uri: str, detector: dict[str, object], message: str
) -> None:
    data = DEFAULT_MODEL.read_bytes()
    models.put_object(Bucket="models", Key="cut.onnx", Body=data[: len(data) // 2])
    models.put_object(Bucket="models", Key="other.onnx", Body=data)
    card = DEFAULT_MODEL.with_suffix(".toml").read_text().replace("469517c4", "00000000")
    models.put_object(Bucket="models", Key="other.toml", Body=card.encode())
    with pytest.raises(BrokenError, match=message):
        invoke(event(uri, **detector))


def test_a_model_bucket_that_does_not_exist_is_an_error(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_video(s3)
    monkeypatch.setenv("MODEL_BUCKET", "no-bucket")
    with pytest.raises(BrokenError, match="Check the bucket's name"):
        invoke(event("s3://no-bucket/a.onnx"))


def test_a_model_that_needs_more_memory_than_the_function_has_is_refused(
    models: S3Client, tmp_path: Path
) -> None:
    large = write_large_output(tmp_path / "a.onnx", side=130)  # 1142 MB; the function has 1024
    models.put_object(Bucket="models", Key="large.onnx", Body=large.read_bytes())
    with pytest.raises(BrokenError, match=r"s3://models/large\.onnx.* more than 768 MB of memory"):
        invoke(event("s3://models/large.onnx"))
