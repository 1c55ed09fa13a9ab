"""What code in the decoder's process can reach, in a container with Lambda's restrictions."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import docker
from tests.e2e.emulator import KEY, RESULTS, VIDEOS, Emulator
from tests.e2e.lambda_container import RESTRICTIONS, StartContainer
from tests.support import clips

SECRET = "a-secret-of-the-parent"  # noqa: S105 - of this test
FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def found(image: str) -> dict[str, Any]:
    parent, child = ((FOLDER / f"hostile_{name}.py").read_text() for name in ("parent", "child"))
    # Process 1 stands for other processes of the same user: it has a secret, and does not hide.
    one = ("--env", f"SECRET={SECRET}", "--entrypoint", "/bin/sh")
    run_python = '/var/lang/bin/python3 -c "$0" "$1"; true'
    output = docker.docker(
        "run", "--rm", *RESTRICTIONS, *one, image, "-c", run_python, parent, child
    )
    facts: dict[str, Any] = json.loads(output)
    return facts


def test_the_process_is_confined_and_runs_to_its_end(found: dict[str, Any]) -> None:
    assert (found["confined"]["ended"], found["confined"]["refused"]) == (0, "[]")
    assert len(found["confined"]["attempts"]) >= 18


def test_no_attempt_gets_anything(found: dict[str, Any]) -> None:
    attempts = found["confined"]["attempts"]
    environment = attempts.pop("own environment")
    names = {part.partition("=")[0] for part in environment.split()}
    # Python and pretag set the last two.
    known = "LD_LIBRARY_PATH OPENBLAS_NUM_THREADS LC_CTYPE ORT_DISABLE_TELEMETRY"
    assert names <= set(known.split())
    assert {name: got for name, got in attempts.items() if "PermissionError" not in got} == {}


def test_hiding_alone_keeps_the_memory_and_the_environment_of_the_parent(
    found: dict[str, Any],
) -> None:
    """Where the system has no seccomp, the child can do most, but it cannot read the parent."""
    attempts = found["unconfined"]["attempts"]
    assert f"SECRET={SECRET}" in attempts["environment of process 1"].split("\0")
    for name in ("another program", "another process", "code of the function", "a new file"):
        assert "PermissionError" not in attempts[name], name
    parents = [name for name in attempts if "of the parent" in name]
    reached = {name for name in parents if "PermissionError" not in attempts[name]}
    assert reached <= {
        "handle of the parent",
        "limits of the parent",
        "signal to a thread of the parent",
    }
    assert SECRET not in json.dumps({name: attempts[name] for name in parents})


def test_a_video_that_would_crash_opencv_is_decoded_by_pyav(
    start: StartContainer, aws: Emulator, tmp_path: Path
) -> None:
    images = clips.textures(45, 320, 240)
    raw = clips.write_raw_avi(tmp_path / "raw.avi", images, 24, is_bottom_up=True)
    container = start()
    _, body = container.invoke(aws.upload("confinement/raw.avi", raw.read_bytes()))
    (video,) = json.loads(body)["videos"]
    assert (video["status"], video["counts"]["frames_decoded"]) == ("done", 45), body
    _, body = container.invoke(aws.upload("confinement/next.mp4", clips.SAMPLE.read_bytes()))
    assert json.loads(body)["videos"][0]["status"] == "done"
    assert "refused restrictions" not in container.logs()


@pytest.mark.usefixtures("aws")
def test_a_container_decodes_under_all_means(start: StartContainer) -> None:
    container = start()
    _, body = container.invoke({"video": f"s3://{VIDEOS}/{KEY}", "output": f"s3://{RESULTS}/means"})
    assert json.loads(body)["videos"][0]["status"] == "done"
    assert "refused restrictions" not in container.logs()
    assert "cannot confine" not in container.logs()
