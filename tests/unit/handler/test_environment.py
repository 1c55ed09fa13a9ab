"""The environment variables of the function."""

import pytest

from handler.environment import Environment
from pipeline.errors import BrokenError


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "out")
    monkeypatch.setenv("OUTPUT_PREFIX", "results/new")
    monkeypatch.setenv("VIDEO_SUFFIXES", ".MP4, .xyz")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008")
    monkeypatch.setenv("PRETAG_CONFIG", "s3://bucket/config.yaml")
    assert Environment.load() == Environment(
        output="s3://out/results/new",
        video_suffixes=(".mp4", ".xyz"),
        config_file="s3://bucket/config.yaml",
        memory_megabytes=3008,
    )


def test_variables_that_are_empty_or_not_set_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "out")
    monkeypatch.setenv("PRETAG_CONFIG", "")
    for name in ("OUTPUT_PREFIX", "VIDEO_SUFFIXES", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        monkeypatch.delenv(name, raising=False)
    environment = Environment.load()
    assert environment.output == "s3://out/pretag"
    assert {".mp4", ".mov", ".mkv", ".ts"} < set(environment.video_suffixes)
    assert environment.config_file is None
    assert environment.memory_megabytes is None


def test_a_missing_bucket_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OUTPUT_BUCKET", raising=False)
    with pytest.raises(BrokenError, match="OUTPUT_BUCKET is not set"):
        Environment.load()


def test_a_config_file_outside_s3_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "out")
    monkeypatch.setenv("PRETAG_CONFIG", "config.yaml")
    with pytest.raises(BrokenError, match=r"PRETAG_CONFIG is 'config.yaml'; it must be s3://"):
        Environment.load()
