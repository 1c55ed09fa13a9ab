"""`pretag run` and `pretag config`: output, files and exit codes."""

import json
import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from pycocotools.coco import COCO

from pipeline.config.schema import Config
from pipeline.errors import InputFileError
from pipeline.storage.local import LocalVideo
from tests.support import clips
from tests.support.command import SPARSE_SAMPLING, Pretag


def test_a_run_prints_its_stages_and_the_folder_of_the_dataset(
    pretag: Pretag, tmp_path: Path
) -> None:
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, *SPARSE_SAMPLING)
    assert done.code == 0
    assert done.err == ""
    assert "decode" in done.out
    assert "3 frames sampled, 3 kept" in done.out
    folder = Path(done.out.split("Dataset: ")[1].replace("\n", ""))
    assert folder.parent == tmp_path / "pedestrians.mp4"
    assert len(COCO(str(folder / "annotations" / "instances_default.json")).imgs) == 3


def test_a_run_that_finds_nothing_says_so_and_what_to_try(pretag: Pretag, tmp_path: Path) -> None:
    arguments = ("--out", tmp_path, *SPARSE_SAMPLING, "--set", "detector.score_threshold=1")
    done = pretag("run", clips.SAMPLE, *arguments)
    assert done.code == 0
    assert "found nothing in 3 images. The best score was 0." in done.err
    assert "and the threshold is 1. If there are objects" in done.err
    assert "'letterbox to 300 x 300 (linear), RGB, pixel / 255'" in done.err
    (report,) = tmp_path.glob("*/*/report.md")
    assert "found nothing in 3 images" in report.read_text()


def test_a_run_without_objects_of_the_wanted_classes_says_so(
    pretag: Pretag, tmp_path: Path
) -> None:
    wanted = ("--set", "detector.classes=[toothbrush]")
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, "--json", *SPARSE_SAMPLING, *wanted)
    (warning,) = json.loads(done.out)["warnings"]
    assert "its objects are of classes that detector.classes or the labels leave out" in warning


def test_pixels_that_change_their_ratio_are_told_of(pretag: Pretag, tmp_path: Path) -> None:
    parts = [
        clips.write_clip(
            tmp_path / f"{ratio}.ts",
            clips.textures(20),
            sample_aspect_ratio=Fraction(ratio),
            container_options={"output_ts_offset": str(2 * ratio)},
        )
        for ratio in (1, 2)
    ]
    path = clips.join(tmp_path / "joined.ts", parts)
    done = pretag("run", path, "--out", tmp_path / "out", "--json", *SPARSE_SAMPLING)
    warnings = json.loads(done.out)["warnings"]
    assert any("aspect ratio of the pixels changes" in warning for warning in warnings)


def test_json_has_a_line_for_each_video_also_after_a_rejection(
    pretag: Pretag, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    done = pretag(
        "run", empty, text, clips.SAMPLE, "--out", tmp_path / "out", "--json", *SPARSE_SAMPLING
    )
    assert done.code == 3
    assert done.err == ""
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["status"] for line in lines] == ["rejected", "rejected", "done"]
    assert [line["reason"] for line in lines] == ["empty", "not_a_video", None]
    assert (Path(lines[1]["result"]) / "rejection.json").is_file()
    assert (Path(lines[2]["result"]) / "manifest.json").is_file()
    assert lines[2]["counts"]["frames_kept"] == 3
    assert lines[2]["seconds"] > 0


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("empty.mp4", Path.touch, "is empty (0 bytes)"),
        ("text.mp4", lambda p: p.write_text("hello"), "is not a video"),
        ("sound.mp4", clips.write_audio, "holds only sound"),
        (
            "cut.mp4",
            lambda p: p.write_bytes(
                clips.write_clip(p, [clips.texture(1)] * 20).read_bytes()[:-900]
            ),
            "is cut short",
        ),
        (
            "av1.mp4",
            lambda p: clips.replace_codec(
                clips.write_clip(p, [clips.texture(1)] * 20), b"avc1", b"av01"
            ),
            "no frame of it could be decoded",
        ),
    ],
)
def test_a_rejected_video_is_reported_in_one_line(
    pretag: Pretag, tmp_path: Path, name: str, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / name)
    done = pretag("run", tmp_path / name, "--out", tmp_path / "out")
    assert done.code == 3
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith(f"pretag: rejected: {tmp_path / name} ")
    assert message in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--set", "dedupe.treshold=3"], 2, "Config key 'dedupe.treshold' (from --set) does not"),
        (["--set", "detector.classes=persn"], 2, "did you mean 'person'?"),
        (["--config", "missing.yaml"], 2, "Config file missing.yaml cannot be read: No such file"),
        (["--set", "detector.model=no.onnx"], 2, "Model no.onnx "),
        (["--zap"], 2, "No such option '--zap'"),
    ],
)
def test_a_wrong_call_prints_the_reason_and_writes_nothing(
    pretag: Pretag, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, *arguments)
    assert done.code == code
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_each_wrong_key_is_reported_in_a_line_of_its_own(pretag: Pretag, tmp_path: Path) -> None:
    done = pretag(
        "run", clips.SAMPLE, "--out", tmp_path,
        "--set", "dedupe.method=x", "--set", "output.jpeg_quality=0",
    )  # fmt: skip
    assert done.code == 2
    assert [line.split("'")[1] for line in done.err.splitlines()] == [
        "dedupe.method",
        "output.jpeg_quality",
    ]


def test_a_config_file_that_is_not_utf8_is_refused(pretag: Pretag, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, "--config", tmp_path / "c.yaml")
    assert (done.code, "it is not UTF-8 text" in done.err) == (2, True)


def test_an_output_folder_that_cannot_be_created_is_reported(
    pretag: Pretag, tmp_path: Path
) -> None:
    (tmp_path / "pedestrians.mp4").write_text("in the way")
    done = pretag("run", clips.SAMPLE, "--out", tmp_path)
    assert done.code == 1
    assert "cannot be written: File exists" in done.err


def test_set_overrides_the_environment_which_overrides_the_file(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[sampling]\nevery_seconds = 30\n[output]\njpeg_quality = 50\nimages = false\n")
    monkeypatch.setenv("PRETAG_CONFIG", str(file))
    monkeypatch.setenv("PRETAG_SAMPLING__EVERY_SECONDS", "25")
    monkeypatch.setenv("PRETAG_OUTPUT__JPEG_QUALITY", "60")
    done = pretag(
        "run", clips.SAMPLE, "--out", tmp_path, "--json", "--set", "sampling.every_seconds=15"
    )
    stored = json.loads((Path(json.loads(done.out)["result"]) / "config.json").read_text())
    assert stored["config"]["sampling"]["every_seconds"] == 15
    output = stored["config"]["output"]
    assert (output["images"], output["jpeg_quality"]) == (False, 60)


def test_config_prints_the_defaults_as_yaml(pretag: Pretag) -> None:
    done = pretag("config")
    assert done.code == 0
    assert Config.model_validate(yaml.safe_load(done.out)) == Config()
    assert "# Largest Hamming distance" in done.out


def test_a_video_that_may_not_be_read_does_not_stop_the_others(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = LocalVideo.at

    def forbidden(path: Path) -> LocalVideo:
        if path.name == "secret.mp4":
            raise InputFileError(f"{path} cannot be read: Permission denied.")
        return at(path)

    monkeypatch.setattr(LocalVideo, "at", forbidden)
    secret = tmp_path / "secret.mp4"
    secret.touch()
    done = pretag(
        "run", secret, clips.SAMPLE, "--out", tmp_path / "out", "--json", *SPARSE_SAMPLING
    )
    assert done.code == 1
    assert done.err == f"pretag: {secret} cannot be read: Permission denied.\n"
    assert json.loads(done.out)["status"] == "done"


def test_bytes_of_a_file_name_that_are_not_utf8_are_replaced(
    pretag: Pretag, tmp_path: Path
) -> None:
    not_utf8 = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4"))
    shutil.copy(clips.SAMPLE, not_utf8)
    done = pretag("run", not_utf8, "--out", tmp_path / "out", "--json", *SPARSE_SAMPLING)
    assert done.code == 0
    video = json.loads(done.out)
    assert video["video"] == f"{tmp_path}/bad\ufffd.mp4"
    assert (Path(video["result"]) / "manifest.json").is_file()
    missing = pretag("run", os.fsdecode(b"none\xff.mp4"), "--out", tmp_path / "out")
    assert (missing.code, "none\ufffd.mp4 does not exist" in missing.err) == (2, True)


def test_a_video_that_goes_while_others_are_processed_does_not_stop_them(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone.mp4"
    gone.touch()
    at = LocalVideo.at

    def at_after_a_while(path: Path) -> LocalVideo:
        gone.unlink(missing_ok=True)
        return at(path)

    monkeypatch.setattr(LocalVideo, "at", at_after_a_while)
    done = pretag("run", gone, clips.SAMPLE, "--out", tmp_path / "out", "--json", *SPARSE_SAMPLING)
    assert (done.code, done.err) == (1, f"pretag: {gone} does not exist. Check the path.\n")
    assert json.loads(done.out)["status"] == "done"
