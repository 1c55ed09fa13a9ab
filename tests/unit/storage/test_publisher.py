"""The publisher: the manifest, `latest.json`, and interrupted runs."""

import hashlib
import json
from pathlib import Path

import pytest

from pipeline.errors import CapacityError, RejectedError
from pipeline.resources.capacity import Capacity
from pipeline.runlog import RunLog
from pipeline.storage.local import FolderStore, LocalVideo
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
    store = FolderStore(tmp_path, video.name, "abc")
    with Publisher(store, "abc", video, RunLog()) as publisher:
        publisher.begin()
        publisher.put_text("a.txt", "x")
        assert not (tmp_path / video.name / "abc").exists()
        result = publisher.finish({})
    assert Path(result.location).exists()


def test_an_interrupted_run_leaves_no_file(tmp_path: Path, video: LocalVideo) -> None:
    def interrupted() -> None:
        store = FolderStore(tmp_path / "out", video.name, "abc")
        with Publisher(store, "abc", video, RunLog()) as publisher:
            publisher.begin()
            publisher.put_text("a.txt", "x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "out" / video.name).exists()


def publish(folder: Path, video: LocalVideo, log: RunLog) -> Path:
    """Publish a result with two files, and return its folder."""
    store = FolderStore(folder, video.name, "abc")
    with Publisher(store, "abc", video, log) as publisher:
        publisher.begin()
        publisher.put("images/default/frame_000001.jpg", b"jpeg")
        publisher.put_json("b.json", {"ö": 1})
        result = publisher.finish({"frames_kept": 1})
    return Path(result.location)


def test_a_rejection_is_alone_in_its_folder(tmp_path: Path, video: LocalVideo) -> None:
    store = FolderStore(tmp_path, video.name, "abc")
    with Publisher(store, "abc", video, RunLog()) as publisher:
        publisher.begin()
        publisher.put("images/default/frame_000001.jpg", b"jpeg")
        result = publisher.reject(RejectedError("too_long", "It is too long."), capacity=None)
    (path,) = Path(result.location).iterdir()
    rejection = json.loads(path.read_text())
    assert path.name == "rejection.json"
    assert (rejection["reason"], rejection["message"]) == ("too_long", "It is too long.")
    assert "capacity" not in rejection


@pytest.mark.parametrize(
    ("error", "written"),
    [(CapacityError, {"memory_megabytes": 512, "timeout_seconds": 60}), (RejectedError, None)],
)
def test_only_a_rejection_for_capacity_has_the_capacity(
    tmp_path: Path, video: LocalVideo, error: type[RejectedError], written: object
) -> None:
    with Publisher(FolderStore(tmp_path, video.name, "abc"), "abc", video, RunLog()) as publisher:
        publisher.begin()
        result = publisher.reject(error("reason", "A message."), Capacity(512, 60))
    assert result.ending.content.get("capacity") == written
