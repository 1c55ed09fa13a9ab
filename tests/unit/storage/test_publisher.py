"""The publisher: the manifest, `latest.json`, and interrupted runs."""

import hashlib
import json
from pathlib import Path

import pytest

from pipeline.runlog import RunLog
from pipeline.storage.local import FolderSink, LocalVideo
from pipeline.storage.publisher import Publisher


def test_a_published_result_has_a_manifest_of_all_its_files(
    tmp_path: Path, video: LocalVideo
) -> None:
    log = RunLog()
    run_folder = publish(tmp_path, video, log)
    manifest = json.loads((run_folder / "manifest.json").read_text())
    assert [entry["path"] for entry in manifest["files"]] == [
        "b.json",
        "images/default/frame_000001.jpg",
    ]
    for entry in manifest["files"]:
        data = (run_folder / entry["path"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest["source"] == {"uri": str(video.path), **video.identity}
    assert manifest["counts"] == {"frames_kept": 1}
    assert (log.stage("write").items_in, log.stage("write").items_out) == (2, 4 + 13)


def test_latest_json_points_at_the_manifest(tmp_path: Path, video: LocalVideo) -> None:
    run_folder = publish(tmp_path, video, RunLog())
    latest = json.loads((run_folder.parent / "latest.json").read_text())
    assert run_folder.parent / latest["manifest"] == run_folder / "manifest.json"
    assert sorted(path.name for path in run_folder.parent.iterdir()) == ["abc", "latest.json"]


def test_no_result_is_visible_before_the_run_is_finished(tmp_path: Path, video: LocalVideo) -> None:
    sink = FolderSink(tmp_path, video.name, "abc")
    with Publisher(sink, "abc", video, RunLog()) as publisher:
        publisher.put_text("a.txt", "x")
        assert not Path(publisher.location).exists()
        publisher.finish({})
    assert Path(publisher.location).exists()


def test_an_interrupted_run_leaves_no_file(tmp_path: Path, video: LocalVideo) -> None:
    def interrupted() -> None:
        sink = FolderSink(tmp_path / "out", video.name, "abc")
        with Publisher(sink, "abc", video, RunLog()) as publisher:
            publisher.put_text("a.txt", "x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "out" / video.name).exists()


def publish(folder: Path, video: LocalVideo, log: RunLog) -> Path:
    """Publish a result with two files, and return its folder."""
    sink = FolderSink(folder, video.name, "abc")
    with Publisher(sink, "abc", video, log) as publisher:
        publisher.put("images/default/frame_000001.jpg", b"jpeg")
        publisher.put_json("b.json", {"ö": 1})
        publisher.finish({"frames_kept": 1})
    return Path(sink.location)
