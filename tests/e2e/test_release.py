"""An image in a real registry: pushed by the release workflow's own command, named by digest.

It is a small one, because the whole image takes minutes to compress.
"""

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e import docker, registry, template
from tests.support.workflows import step_named


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if registry.COMMAND is None:
        reason = "there is no docker-registry; Debian and Ubuntu have a package of this name"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with registry.run_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def small_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("small")
    (folder / "file").write_text("pretag\n")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")
    docker.docker("build", "--tag", "pretag:release", str(folder))
    yield "pretag:release"
    docker.docker("rmi", "pretag:release")


@pytest.fixture(scope="module")
def outputs(
    address: str, small_image: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Run the step of the release workflow that pushes; return its outputs."""
    step = step_named("release", "Push the image")
    assert f"IMAGE={small_image}" in step["run"]
    output = tmp_path_factory.mktemp("runner") / "github-output"
    result = subprocess.run(
        ["bash", "-e", "-c", step["run"]],  # noqa: S607 - from PATH
        cwd=template.ROOT,
        env={
            **os.environ,
            "REGISTRY": f"{address}/pretag",
            "GITHUB_REF_NAME": "v1.2.3",
            "GITHUB_OUTPUT": str(output),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return dict(line.split("=", 1) for line in output.read_text().splitlines())


def manifest(address: str, reference: str) -> tuple[str, dict[str, object]]:
    """Return the digest and the content of a manifest in the registry."""
    request = urllib.request.Request(
        f"http://{address}/v2/pretag/manifests/{reference}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - http
        return response.headers["Docker-Content-Digest"], json.loads(response.read())


def test_the_outputs_of_the_push_name_the_image_that_the_registry_has(
    outputs: dict[str, str], address: str
) -> None:
    assert re.fullmatch(rf"{address}/pretag@sha256:[0-9a-f]{{64}}", outputs["image"])
    assert outputs["image"] == f"{outputs['name']}@{outputs['digest']}"
    by_tag, content = manifest(address, "v1.2.3")
    assert by_tag == outputs["digest"]
    assert manifest(address, outputs["digest"]) == (by_tag, content)


def test_the_image_of_the_digest_is_the_one_that_was_pushed(
    outputs: dict[str, str], small_image: str
) -> None:
    docker.docker("pull", "--quiet", outputs["image"])
    inspect = ("image", "inspect", "--format", "{{.Id}}")
    assert docker.docker(*inspect, outputs["image"]) == docker.docker(*inspect, small_image)
    docker.docker("rmi", outputs["image"])
