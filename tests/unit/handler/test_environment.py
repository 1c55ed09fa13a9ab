"""The environment variables of the function."""

import pytest

from handler.environment import Environment
from pipeline.errors import BrokenError


@pytest.fixture(autouse=True)
def _required_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "out")
    monkeypatch.setenv("INPUT_BUCKETS", "videos")


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_PREFIX", "results/new")
    monkeypatch.setenv("INPUT_BUCKETS", "videos, more-videos")
    monkeypatch.setenv("MODEL_BUCKET", "models")
    monkeypatch.setenv("MODEL_PREFIX", "onnx/")
    monkeypatch.setenv("OUTPUT_BUCKET_OWNER", "012345678901")
    monkeypatch.setenv("EVENT_BUS", "videos")
    monkeypatch.setenv("VIDEO_SUFFIXES", ".MP4, .xyz")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008")
    monkeypatch.setenv("TIMEOUT_SECONDS", "600")
    monkeypatch.setenv("PRETAG_CONFIG", "s3://bucket/config.yaml")
    assert Environment.load() == Environment(
        output="s3://out/results/new",
        input_buckets=("videos", "more-videos"),
        models="s3://models/onnx/",
        output_owner="012345678901",
        event_bus="videos",
        video_suffixes=(".mp4", ".xyz"),
        config_file="s3://bucket/config.yaml",
        memory_megabytes=3008,
        timeout_seconds=600,
    )


def test_variables_that_are_empty_or_not_set_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "PRETAG_CONFIG", "OUTPUT_BUCKET_OWNER", "EVENT_BUS", "TIMEOUT_SECONDS", "MODEL_BUCKET",
        "MODEL_PREFIX",
    ):  # fmt: skip
        monkeypatch.setenv(name, "")
    for name in ("OUTPUT_PREFIX", "VIDEO_SUFFIXES", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        monkeypatch.delenv(name, raising=False)
    environment = Environment.load()
    assert environment.output == "s3://out/pretag"
    assert {".mp4", ".mov", ".mkv", ".ts"} < set(environment.video_suffixes)
    assert environment.config_file is None
    assert environment.models is None
    assert environment.output_owner is None
    assert environment.event_bus is None
    assert environment.memory_megabytes is None
    assert environment.timeout_seconds is None


@pytest.mark.parametrize("name", ["OUTPUT_BUCKET", "INPUT_BUCKETS"])
def test_a_missing_bucket_is_an_error_that_names_the_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(BrokenError, match=f"{name} is not set"):
        Environment.load()


@pytest.mark.parametrize("prefix", ["pretag-work", "/pretag-work/x/", "x" * 513])
def test_a_prefix_without_room_for_results_is_an_error(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTPUT_PREFIX", prefix)
    with pytest.raises(BrokenError, match="The variable OUTPUT_PREFIX"):
        Environment.load()


@pytest.mark.parametrize(
    ("prefix", "models"),
    [("", "s3://m/"), ("/", "s3://m/"), ("a", "s3://m/a/"), ("a/b/", "s3://m/a/b/")],
)
def test_the_model_prefix_is_a_whole_folder(
    prefix: str, models: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_BUCKET", "m")
    monkeypatch.setenv("MODEL_PREFIX", prefix)
    assert Environment.load().models == models


def test_a_config_file_outside_s3_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRETAG_CONFIG", "config.yaml")
    with pytest.raises(BrokenError, match=r"PRETAG_CONFIG is 'config.yaml'; it must be s3://"):
        Environment.load()


@pytest.mark.parametrize("owner", ["12345678901", "1234567890123", "my-account"])
def test_an_owner_that_is_no_account_is_an_error_that_names_the_variable(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET_OWNER", owner)
    with pytest.raises(BrokenError, match=r"OUTPUT_BUCKET_OWNER is .*; it must be an AWS account"):
        Environment.load()


def test_a_time_out_that_is_no_number_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIMEOUT_SECONDS", "15 min")
    with pytest.raises(BrokenError, match="TIMEOUT_SECONDS is '15 min'"):
        Environment.load()
