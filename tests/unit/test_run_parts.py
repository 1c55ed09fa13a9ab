"""The small parts of a run: digests, CPUs, the run log, folders, the report, drawing."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pipeline.concurrency.cpus import available_cpus
from pipeline.dataset.csv_tables import frames_csv, logs_csv
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.drawing import CaptionedBox, draw_boxes
from pipeline.dataset.report import class_rows, report_markdown
from pipeline.digest import run_id
from pipeline.errors import BrokenError, InputFileError, RejectedError
from pipeline.frame import Detections, DuplicateMatch, FrameRecord
from pipeline.runlog import Coverage, MissingRange, RunLog, StageLog
from pipeline.storage.local import FolderSink, LocalVideo
from pipeline.storage.publisher import Publisher


def test_the_run_id_changes_with_each_of_its_parts() -> None:
    parts = ({"sha256": "a"}, "config", "model", "0.1.0")
    ids = {
        run_id(*parts),
        run_id({"sha256": "b"}, *parts[1:]),
        run_id(parts[0], "other", *parts[2:]),
        run_id(*parts[:2], "other", parts[3]),
        run_id(*parts[:3], "0.2.0"),
    }
    assert len(ids) == 5
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in ids)
    assert run_id(*parts) == run_id(*parts)


def test_cpus_follow_affinity_and_lambda_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(6)), raising=False)
    assert available_cpus() == 6
    assert available_cpus(memory_megabytes=10_240) == 5  # 5.8 CPUs
    assert available_cpus(memory_megabytes=3_538) == 2
    assert available_cpus(memory_megabytes=3_008) == 1
    assert available_cpus(memory_megabytes=128) == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cpus() == 1


def test_a_finished_log_no_longer_changes() -> None:
    log = RunLog()
    with log.measure("detect") as detect:
        detect.items_out += 3
    finished = log.finished()
    with log.measure("detect") as detect:
        detect.items_out += 1
    log.detections_by_class["person"] += 1
    assert (finished.stage("detect").items_in, finished.stage("detect").items_out) == (1, 3)
    assert finished.detections_by_class == Counter()
    assert finished.total_seconds > 0
    assert finished.peak_memory_megabytes > 10


def test_work_that_fails_is_timed_but_not_counted() -> None:
    log = RunLog()
    with pytest.raises(ZeroDivisionError), log.measure("detect"):
        _ = 1 // 0
    assert log.stage("detect").items_in == 0
    assert log.stage("detect").seconds > 0


def test_real_time_factor_and_rates() -> None:
    log = RunLog(video_seconds=10, total_seconds=2)
    assert log.real_time_factor == 0.2
    assert RunLog(total_seconds=2).real_time_factor == 0
    assert StageLog("decode", items_in=50, seconds=2).items_per_second == 25
    assert StageLog("decode").items_per_second == 0


def test_peak_memory_is_in_megabytes_on_both_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    on_linux = RunLog().finished().peak_memory_megabytes
    monkeypatch.setattr(sys, "platform", "darwin")
    assert RunLog().finished().peak_memory_megabytes == pytest.approx(on_linux / 1024, rel=0.5)


@pytest.fixture
def video(tmp_path: Path) -> LocalVideo:
    path = tmp_path / "in" / "clip 1.mp4"
    path.parent.mkdir()
    path.write_bytes(b"content")
    return LocalVideo.at(path)


def test_a_local_video_is_known_by_its_content(video: LocalVideo) -> None:
    assert video.identity == {"sha256": hashlib.sha256(b"content").hexdigest()}
    assert video.name == "clip 1.mp4"
    with video.open() as stream:
        assert stream.read() == b"content"


def test_what_is_no_video_file(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="does not exist") as missing:
        LocalVideo.at(tmp_path / "no.mp4")
    assert missing.value.reason == "not_found"
    with pytest.raises(RejectedError, match="is a directory") as folder:
        LocalVideo.at(tmp_path)
    assert folder.value.reason == "is_a_directory"
    with pytest.raises(RejectedError, match="does not exist"):
        LocalVideo.at(Path(sys.executable) / "x.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(RejectedError, match="is a pipe or a device") as pipe:
        LocalVideo.at(tmp_path / "pipe.mp4")
    assert pipe.value.reason == "not_a_file"


def test_a_video_that_vanishes_is_told(video: LocalVideo) -> None:
    video.path.unlink()
    with pytest.raises(InputFileError, match="cannot be read: No such file"), video.open():
        pass


def test_delivery_writes_the_manifest_last_and_points_at_it(
    tmp_path: Path, video: LocalVideo
) -> None:
    log = RunLog()
    out = tmp_path / "out"
    with Publisher(FolderSink(out, video.name, "abc"), "abc", video, log) as delivery:
        delivery.put("images/default/frame_000001.jpg", b"jpeg")
        delivery.put_json("b.json", {"ö": 1})
        assert not (out / "clip 1.mp4" / "abc").exists()
        delivery.finish({"frames_kept": 1})
    manifest = json.loads((out / "clip 1.mp4" / "abc" / "manifest.json").read_text())
    assert [each["path"] for each in manifest["files"]] == [
        "b.json",
        "images/default/frame_000001.jpg",
    ]
    for each in manifest["files"]:
        data = (out / "clip 1.mp4" / "abc" / each["path"]).read_bytes()
        assert (each["bytes"], each["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest["source"] == {"uri": str(video.path), **video.identity}
    latest = json.loads((out / "clip 1.mp4" / "latest.json").read_text())
    assert (out / "clip 1.mp4" / latest["manifest"]).is_file()
    assert sorted(each.name for each in (out / "clip 1.mp4").iterdir()) == ["abc", "latest.json"]
    assert (log.stage("write").items_in, log.stage("write").items_out) == (2, 4 + 13)


def test_a_second_delivery_replaces_the_first(tmp_path: Path, video: LocalVideo) -> None:
    for name in ("old.txt", "new.txt"):
        sink = FolderSink(tmp_path, video.name, "abc")
        with Publisher(sink, "abc", video, RunLog()) as delivery:
            delivery.put_text(name, "x")
            delivery.finish({})
    found = sorted(each.name for each in (tmp_path / video.name / "abc").iterdir())
    assert found == ["manifest.json", "new.txt"]


def test_two_deliveries_at_once_leave_one_whole_result(tmp_path: Path, video: LocalVideo) -> None:
    sinks = [FolderSink(tmp_path, video.name, "abc") for _ in range(3)]
    for sink in sinks:
        sink.put("same.txt", b"same")
    for sink in sinks:
        sink.publish(b"{}")
    assert sorted(each.name for each in (tmp_path / video.name).iterdir()) == ["abc", "latest.json"]
    assert (tmp_path / video.name / "abc" / "same.txt").read_bytes() == b"same"


def test_a_peer_that_publishes_in_between_wins(
    tmp_path: Path, video: LocalVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, peer = (FolderSink(tmp_path, video.name, "abc") for _ in range(2))
    mine.put("who.txt", b"mine")
    peer.put("who.txt", b"peer")
    rename = Path.rename

    def after_the_peer(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(FileNotFoundError):  # nothing to step aside yet
            rename(path, target)
        peer.publish(None)
        raise FileNotFoundError

    monkeypatch.setattr(Path, "rename", after_the_peer)
    mine.publish(None)
    assert (tmp_path / video.name / "abc" / "who.txt").read_bytes() == b"peer"
    assert [each.name for each in (tmp_path / video.name).iterdir()] == ["abc"]


def test_a_result_can_be_read_by_others(tmp_path: Path, video: LocalVideo) -> None:
    usual = tmp_path / "usual"
    usual.mkdir()
    sink = FolderSink(tmp_path, video.name, "abc")
    sink.put("a.txt", b"")
    sink.publish(None)
    assert Path(sink.location).stat().st_mode == usual.stat().st_mode


def test_an_interrupted_delivery_leaves_nothing(tmp_path: Path, video: LocalVideo) -> None:
    def interrupted() -> None:
        sink = FolderSink(tmp_path / "out", video.name, "abc")
        with Publisher(sink, "abc", video, RunLog()) as delivery:
            delivery.put_text("a.txt", "x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "out" / video.name).exists()


def test_a_disk_that_refuses_is_told_with_the_path(tmp_path: Path, video: LocalVideo) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokenError, match=r"file.* cannot be written: Not a directory"):
        FolderSink(tmp_path / "file", video.name, "abc")


def a_dataset() -> Dataset:
    found = Detections(
        np.array([[0, 0, 10, 30], [0, 0, 20, 10]], dtype=np.float32),
        np.array([0.9, 0.5], dtype=np.float32),
        np.array([1, 1]),
    )
    return Dataset(
        video="clip.mp4",
        modified=None,
        labels=("person", "car"),
        hash_name="phash",
        frames=[
            FrameRecord(0, 0.0, 0, 64, 48, "aa", detections=found),
            FrameRecord(10, 1001.001, 0, 64, 48, "ab", DuplicateMatch(0, 2, "duplicate")),
        ],
    )


def test_frames_csv_tells_each_frames_fate() -> None:
    rows = list(csv.DictReader(io.StringIO(frames_csv(a_dataset()))))
    assert rows[0] == {
        "frame_index": "0", "pts_ms": "0.0", "segment": "0", "status": "kept",
        "reason": "", "duplicate_of": "", "distance": "", "hash": "aa",
    }  # fmt: skip
    assert rows[1] == {
        "frame_index": "10", "pts_ms": "1001.001", "segment": "0", "status": "dropped",
        "reason": "duplicate", "duplicate_of": "0", "distance": "2", "hash": "ab",
    }  # fmt: skip


def test_logs_csv_has_a_row_a_stage_and_the_total() -> None:
    holes = (MissingRange(40, 120, 2), MissingRange(5000, 5040, 1))
    log = RunLog(total_seconds=1.5, coverage=Coverage(297, 0, 3, 0.12, holes, 7.5))
    log.stages["decode"] = StageLog("decode", items_in=300, items_out=30, failed=2, seconds=0.5)
    rows = list(csv.DictReader(io.StringIO(logs_csv(log))))
    assert [row["stage"] for row in rows] == [
        "fetch", "decode", "dedupe", "detect", "encode", "write", "total",
    ]  # fmt: skip
    assert rows[1] == {
        "stage": "decode", "items_in": "300", "unit_in": "frames decoded", "items_out": "30",
        "unit_out": "frames sampled", "failed": "2", "seconds": "0.500",
        "items_per_second": "600.0", "coverage": "0.990000", "seconds_lost": "0.120",
        "lost_at_seconds": "0.040-0.120 5.000-5.040", "seconds_short": "7.500",
    }  # fmt: skip
    assert rows[-1]["seconds"] == "1.500"


def test_class_rows() -> None:
    (row,) = class_rows(a_dataset())
    assert (row.label, row.objects, row.frames, row.share) == ("car", 2, 1, 1.0)
    assert row.median_score == pytest.approx(0.7)
    assert (row.median_width, row.median_height) == (15, 20)


def test_the_report_of_something_and_of_nothing() -> None:
    text = report_markdown(a_dataset(), RunLog(total_seconds=3, video_seconds=6), "abc", "ssd")
    assert "| car | 2 | 1 | 100.0 % | 0.70 | 15 x 20 |" in text
    assert "| dropped: duplicate | 1 |" in text
    assert "0.50 s for each second of video" in text
    nothing = a_dataset()
    nothing.frames.clear()
    assert "Nothing was found." in report_markdown(nothing, RunLog(), "abc", "ssd")


def test_labels_and_keys_are_no_markup_in_the_report() -> None:
    odd = a_dataset()
    odd.labels = ("person", "<img src=x>|[x](y)\n`z`_a*")
    odd.video = "a|b <b>.mp4"
    text = report_markdown(odd, RunLog(), "abc", "ssd")
    assert text.startswith("# a\\|b \\<b>.mp4\n")
    assert "| \\<img src=x>\\|\\[x](y)\ufffd\\`z\\`_a\\* | 2 |" in text


def test_a_caption_at_the_right_edge_is_whole() -> None:
    picture = np.zeros((200, 300, 3), dtype=np.uint8)
    captions = []
    for left in (100, 290):
        drawn = draw_boxes(picture, [CaptionedBox(left, 100, left + 9, 150, 0, "person")])
        captions.append(int(drawn[:95].any(axis=2).sum()))
    assert captions[0] == captions[1] > 0


def test_drawing_marks_the_box_and_leaves_the_original() -> None:
    image = np.zeros((100, 200, 3), dtype=np.uint8)
    drawn = draw_boxes(
        image,
        [CaptionedBox(50, 40, 150, 80, 0, "person 0.9"), CaptionedBox(5, 0, 20, 20, 1, "car")],
    )
    assert not image.any()
    assert drawn[40, 100].any()
    assert drawn[60, 50].any()
    assert not drawn[60, 100].any()
    assert drawn[3, 8].any()  # a caption at the upper edge is inside the picture


def test_imports_point_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    finished = subprocess.run([lint], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
    assert "4 kept, 0 broken" in finished.stdout


def test_the_pipeline_loads_no_aws_package_and_no_scipy() -> None:
    code = (
        "import sys, pipeline.cli, pipeline.run;"
        "print({name.partition('.')[0] for name in sys.modules}"
        " & {'boto3', 'botocore', 'aws_lambda_powertools', 'scipy', 'pywt', 'handler'})"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "set()"


def test_the_detectors_runtime_sends_no_telemetry() -> None:
    code = "import pipeline.run, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean
    )
    assert finished.stdout.strip() == "1"
