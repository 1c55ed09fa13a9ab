"""Handing over to the real server of Label Studio, and to CVAT's own SDK."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace as Some
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from click.testing import CliRunner

from pipeline.cli.handover import hand_over_results
from pipeline.dataset.exports import cvat
from pipeline.handover.cvat import shape
from pipeline.handover.cvat_video import TaskFrames, data_parameters, tracks_of
from tests.oracles.test_readers import TOOLS, check, read
from tests.support.export_sets import PERSON, image, video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Written = Callable[..., dict[str, list[Any]]]

TOKEN = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105 - of a server in the tests
START_SECONDS = 900


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Label Studio on the loopback address, and return its address."""
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        **os.environ,
        "HOME": str(folder),
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
    }
    command = [
        str(TOOLS / "label-studio/bin/label-studio"), "start", "--no-browser",
        "--internal-host", "127.0.0.1", "--port", str(port),
        "--username", "a@example.com", "--password", "a long password", "--user-token", TOKEN,
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=variables, stdout=log, stderr=log, start_new_session=True
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(url, process)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if urllib3.request("GET", f"{url}/health", retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.5)
    pytest.fail("Label Studio did not start.")


def get(url: str) -> urllib3.BaseHTTPResponse:
    answer = urllib3.request("GET", url, headers={"Authorization": f"Token {TOKEN}"})
    assert answer.status == 200
    return answer


def handed_over(url: str, results: dict[str, Path], *names: str, token: str = TOKEN) -> str:
    """Hand results over, and return what the command printed."""
    arguments = [
        *(str(results[name]) for name in names),
        "--to", "label-studio", "--url", url, "--project", "Street cameras",
    ]  # fmt: skip
    ended = CliRunner().invoke(
        hand_over_results,
        arguments,
        catch_exceptions=False,
        env={"LABEL_STUDIO_API_KEY": token},
    )
    return ended.output


def test_label_studio_has_tasks_with_images_and_predictions(
    label_studio: str, results: dict[str, Path], written: Written
) -> None:
    printed = handed_over(label_studio, results, "plain")
    assert "there already" not in printed
    made = urllib3.request(
        "POST", f"{label_studio}/api/token/", headers={"Authorization": f"Token {TOKEN}"}
    )
    personal = made.json()["token"]
    printed = handed_over(label_studio, results, "plain", "odd", token=personal)
    assert "there already" in printed
    project = printed.split("/projects/")[1].split("/")[0]
    query = f"{label_studio}/api/tasks?project={project}&page_size=500&fields=all"
    tasks = get(query).json()["tasks"]
    rows: list[dict[str, Any]] = []
    for task in tasks:
        name = task["data"]["name"].removesuffix(".jpg")
        file = f"images/default/frame_{name.rpartition('_')[2]}.jpg"
        folder = results["plain" if name.startswith("pedestrians") else "odd"]
        served = get(label_studio + task["data"]["image"]).data
        assert served == (folder / file).read_bytes()
        assert not task["is_labeled"]
        full = get(f"{label_studio}/api/tasks/{task['id']}").json()
        assert full["annotations"] == []
        (prediction,) = full["predictions"]
        rows += [{"image": name, **found(region)} for region in prediction["result"]]
    images = [task["data"]["name"].removesuffix(".jpg") for task in tasks]
    check({"images": images, "objects": rows}, written("plain", "odd"), with_scores=True)


def found(region: dict[str, Any]) -> dict[str, Any]:
    """Return the object of a region, in pixels."""
    width, height, value = region["original_width"], region["original_height"], region["value"]
    return {
        "label": value["rectanglelabels"][0],
        "score": region["score"],
        "box": [
            value["x"] * width / 100,
            value["y"] * height / 100,
            value["width"] * width / 100,
            value["height"] * height / 100,
        ],
    }


def test_cvats_sdk_makes_the_requests_of_a_handover(tmp_path: Path) -> None:
    label = Some(id=3, attributes=[Some(id=7, name="score", mutable=True)])
    shapes = [shape(PERSON, 4, label)]
    frames = TaskFrames(10, 85, 25)
    tracks = list(tracks_of(video(), [image(35, [PERSON])], frames, [label]))
    wanted = {
        "project": {"name": "street", "labels": cvat.labels(["person", "höhe & <x>"])},
        "task": {"name": "street-01234567", "project_id": 1},
        "annotations": {"version": 0, "tags": [], "shapes": shapes, "tracks": tracks},
        "data": data_parameters(frames),
    }
    file = tmp_path / "wanted.json"
    file.write_text(json.dumps(wanted))
    made = read("readers", "cvat_models", file, home=tmp_path)["requests"]
    paths = [(method, path) for method, path, _ in made]
    assert paths == [
        ("POST", "projects"), ("POST", "tasks"), ("PUT", "tasks/5/annotations/"), ("POST", "data"),
    ]  # fmt: skip
    *requests, data = [body for *_, body in made]
    assert requests == [wanted[name] for name in ("project", "task", "annotations")]
    # The SDK writes the step as a filter, and leaves out a field that it does not know.
    assert data == {
        "image_quality": 95, "start_frame": 10, "stop_frame": 85, "frame_filter": "step=25",
    }  # fmt: skip
