"""Videos in files, and results in folders."""

import hashlib
import os
from pathlib import Path

import pytest

from pipeline.errors import BrokenError, InputFileError, PathError
from pipeline.storage.local import FolderStore, LocalVideo
from pipeline.storage.result_store import MANIFEST, Ending

MADE = Ending(MANIFEST, {"run_id": "abc", "finished": "2026-01-01T00:00:00Z"})


def test_a_local_video_is_identified_by_its_content(video: LocalVideo) -> None:
    assert video.identity == {"sha256": hashlib.sha256(b"content").hexdigest()}
    assert video.name == "clip 1.mp4"
    with video.open() as stream:
        assert stream.read() == b"content"


@pytest.mark.parametrize("path", ["no.mp4", "file/no.mp4"])
def test_a_missing_file_is_a_wrong_path(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PathError, match=r"no\.mp4 does not exist"):
        LocalVideo.at(tmp_path / path)


def test_a_directory_is_a_wrong_path(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"is a directory\. Name the videos in it: .*/\*\.mp4"):
        LocalVideo.at(tmp_path)


def test_a_pipe_is_a_wrong_path(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(PathError, match="is a pipe or a device"):
        LocalVideo.at(tmp_path / "pipe.mp4")


def test_a_path_that_cannot_be_followed_is_told_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    LocalVideo.check(tmp_path / "loop.mp4")
    with pytest.raises(InputFileError, match="cannot be read: Too many levels"):
        _ = LocalVideo.at(tmp_path / "loop.mp4").identity


def test_a_file_that_was_deleted_cannot_be_opened(video: LocalVideo) -> None:
    video.path.unlink()
    with pytest.raises(InputFileError, match="cannot be read: No such file"), video.open():
        pass


def test_a_later_run_with_the_same_id_replaces_the_result(tmp_path: Path) -> None:
    for name in ("old.txt", "new.txt"):
        store = FolderStore(tmp_path, "clip.mp4", "abc")
        store.begin()
        store.put(name, b"x")
        store.commit(MADE)
    assert names_in(tmp_path / "clip.mp4" / "abc") == ["manifest.json", "new.txt"]
    assert names_in(tmp_path / "clip.mp4") == ["abc", "latest.json"]


def test_parallel_runs_with_the_same_id_leave_one_complete_result(tmp_path: Path) -> None:
    stores = [FolderStore(tmp_path, "clip.mp4", "abc") for _ in range(3)]
    for store in stores:
        store.begin()
        store.put("same.txt", b"same")
    for store in stores:
        store.commit(MADE)
    assert names_in(tmp_path / "clip.mp4") == ["abc", "latest.json"]
    assert (tmp_path / "clip.mp4" / "abc" / "same.txt").read_bytes() == b"same"


def test_a_result_that_another_run_publishes_during_the_renaming_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (FolderStore(tmp_path, "clip.mp4", "abc") for _ in range(2))
    first.begin()
    second.begin()
    first.put("run.txt", b"first")
    second.put("run.txt", b"second")
    rename = Path.rename

    def rename_after_the_second_run(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(FileNotFoundError):  # no earlier result to move away
            rename(path, target)
        second.commit(MADE)
        raise FileNotFoundError

    monkeypatch.setattr(Path, "rename", rename_after_the_second_run)
    first.commit(MADE)
    assert (tmp_path / "clip.mp4" / "abc" / "run.txt").read_bytes() == b"second"
    assert names_in(tmp_path / "clip.mp4") == ["abc", "latest.json"]


def test_a_result_has_the_permissions_of_any_new_folder(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    store = FolderStore(tmp_path, "clip.mp4", "abc")
    store.begin()
    store.put("a.txt", b"")
    result = store.commit(MADE)
    assert Path(result.location).stat().st_mode == other.stat().st_mode


def test_the_error_of_a_disk_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokenError, match=r"file.* cannot be written: Not a directory"):
        FolderStore(tmp_path / "file", "clip.mp4", "abc").begin()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
