"""The digest of the base image."""

import json
import os
from pathlib import Path

import pytest

from supply_chain import base_image
from supply_chain.base_image import DOCKERFILE, pin, read_base_image, release_problems, with_digest
from supply_chain.problems import SupplyChainError

DIGEST = "sha256:" + "0123456789abcdef" * 4
TAGGED = "public.ecr.aws/lambda/python:3.13"


def dockerfile(reference: str) -> str:
    return f"# a comment\nARG BASE_IMAGE={reference}\n\nFROM ${{BASE_IMAGE}}\n"


def test_the_dockerfile_names_the_image_of_aws_with_or_without_a_digest() -> None:
    text = DOCKERFILE.read_text()
    assert read_base_image(text).tagged == TAGGED
    stages = [line for line in text.splitlines() if line.startswith("FROM ")]
    assert {line.split()[1] for line in stages} == {"${BASE_IMAGE}"}


def test_a_pinned_dockerfile_keeps_its_tag_and_all_other_lines() -> None:
    pinned = with_digest(dockerfile(TAGGED), DIGEST)
    assert pinned == dockerfile(f"{TAGGED}@{DIGEST}")
    assert release_problems(pinned) == []
    newer = "sha256:" + "f" * 64
    assert with_digest(pinned, newer) == dockerfile(f"{TAGGED}@{newer}")


def test_a_release_is_refused_if_the_base_image_has_no_digest() -> None:
    (problem,) = release_problems(dockerfile(TAGGED))
    assert "has no digest" in problem
    assert "make base-digest" in problem


def test_the_check_fails_until_the_dockerfile_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Dockerfile"
    monkeypatch.setattr(base_image, "DOCKERFILE", path)
    path.write_text(dockerfile(TAGGED))
    assert base_image.main(["check"]) == 1
    assert "has no digest" in capsys.readouterr().err
    path.write_text(dockerfile(f"{TAGGED}@{DIGEST}"))
    assert base_image.main(["check"]) == 0


@pytest.mark.parametrize(
    "reference",
    [
        "python:3.13",
        "public.ecr.aws/lambda/python:latest",
        "public.ecr.aws/lambda/python:3.13@sha256:abc",
        f"public.ecr.aws/lambda/python:3.13@{DIGEST.upper()}",
        f"public.ecr.aws/lambda/python@{DIGEST}",
        f"example.com/public.ecr.aws/lambda/python:3.13@{DIGEST}",
    ],
)
def test_another_image_or_a_malformed_digest_is_refused(reference: str) -> None:
    with pytest.raises(SupplyChainError, match="must have one line"):
        read_base_image(dockerfile(reference))


def test_a_second_line_that_names_an_image_is_refused() -> None:
    with pytest.raises(SupplyChainError, match="must have one line"):
        read_base_image(dockerfile(TAGGED) * 2)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `docker` into the path that answers from a file, and notes its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "docker"
    command.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\ncat {tmp_path}/answer\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path


def test_the_digest_is_read_from_the_registry(registry: Path) -> None:
    """https://docs.docker.com/reference/cli/docker/buildx/imagetools/inspect/."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
        "digest": DIGEST,
        "size": 743,
        "manifests": [{"digest": "sha256:" + "a" * 64, "platform": {"architecture": "arm64"}}],
    }
    (registry / "answer").write_text(json.dumps(manifest))
    path = registry / "Dockerfile"
    path.write_text(dockerfile(TAGGED))
    assert pin(path) == f"{TAGGED}@{DIGEST}"
    assert path.read_text() == dockerfile(f"{TAGGED}@{DIGEST}")
    assert (registry / "asked").read_text().split() == [
        "buildx", "imagetools", "inspect", "--format", "{{json", ".Manifest}}", TAGGED,
    ]  # fmt: skip


def test_an_answer_that_is_not_a_digest_changes_nothing(registry: Path) -> None:
    (registry / "answer").write_text('{"digest": "3.13"}')
    path = registry / "Dockerfile"
    path.write_text(dockerfile(TAGGED))
    with pytest.raises(SupplyChainError, match="not a digest"):
        pin(path)
    assert path.read_text() == dockerfile(TAGGED)
