"""`pretag handover`: from the folder of a result to a server, output and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.cli.handover_video import video_task
from pipeline.cli.results import open_result
from pipeline.handover.cvat_video import TaskFrames
from pipeline.storage.listed_files import ListedFiles
from tests.support import clips, runs
from tests.support.fake_label_studio import TOKEN, fake_label_studio
from tests.support.lambda_function import RESULTS, VARIABLES, VIDEOS, emulated_s3

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Pretag

SAMPLED = {"every_seconds": 100, "end_seconds": 0.05}


def test_a_result_is_handed_over_with_its_images(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = runs.result_folder(runs.run(tmp_path, sampling=SAMPLED))
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    with fake_label_studio() as server:
        arguments = ("handover", result, "--to", "label-studio", "--url", server.url)
        first = pretag(*arguments, "--project", "Street")
        again = pretag(*arguments, "--project", "Street")
        assert (first.code, again.code) == (0, 0)
        assert "1 image and " in first.out
        assert f"Project: {server.url}/projects/1/data" in first.out
        assert "0 images and 0 objects were handed over. 1 image was there already." in again.out
        ((_, jpeg),) = server.uploads
        assert jpeg == (result / "images" / "default" / "frame_000000.jpg").read_bytes()
        assert server.projects[0]["title"] == "Street"


def test_a_result_without_images_is_refused(pretag: Pretag, tmp_path: Path) -> None:
    outcome = runs.run(tmp_path, sampling=SAMPLED, output={"images": False})
    ended = pretag(
        "handover", runs.result_folder(outcome), "--to", "cvat", "--url", "https://x",
        "--project", "p",
    )  # fmt: skip
    assert ended.code == 1
    assert "has no images" in ended.err


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Return a clip of 6 frames, 5 a second."""
    images = [clips.texture(seed) for seed in range(6)]
    return clips.write_clip(tmp_path / "clip.mp4", images, rate=5)


def test_the_task_of_a_video_has_its_sampled_frames(clip: Path, tmp_path: Path) -> None:
    sampling = {"every_seconds": 0.4, "start_seconds": 0.2}
    result = runs.result_folder(runs.run(tmp_path / "out", clip, sampling=sampling))
    with video_task(str(clip), ListedFiles(open_result(str(result)))) as task:
        assert task.file == clip
        assert task.frames == TaskFrames(1, 5, 2)


def test_the_task_of_an_object_in_s3_is_made_of_a_copy(
    pretag: Pretag, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, VARIABLES[name])
    with emulated_s3() as s3:
        s3.put_object(Bucket=VIDEOS, Key="in/clip.mp4", Body=clip.read_bytes())
        uri = f"s3://{VIDEOS}/in/clip.mp4"
        done = pretag("run", uri, "--out", f"s3://{RESULTS}", "--json")
        result = json.loads(done.out)["result"]
        with video_task(uri, ListedFiles(open_result(result))) as task:
            assert (task.file.name, task.file.read_bytes()) == ("clip.mp4", clip.read_bytes())
        assert not task.file.exists()
        refused = pretag(
            "handover", result, "--to", "cvat", "--url", "https://x", "--project", "p",
            "--video", clip,
        )  # fmt: skip
        assert refused.code == 1
        assert f"{clip} is not the video of {result}: that was {uri}" in refused.err


def test_another_video_is_refused(pretag: Pretag, clip: Path, tmp_path: Path) -> None:
    result = runs.result_folder(runs.run(tmp_path / "out", clip))
    clips.write_clip(clip, [clips.texture(99)] * 2)
    arguments = ("handover", result, "--url", "https://x", "--project", "p", "--video", clip)
    other = pretag(*arguments, "--to", "cvat")
    assert (other.code, "with another content" in other.err) == (1, True)
    for wrong in (("--to", "label-studio"), ("--to", "cvat", result)):
        ended = pretag(*arguments, *wrong)
        assert ended.code == 2
        assert "--video is only for --to cvat, and for one RESULT" in ended.err
