"""The videos that arguments name, and the folders for their results."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.cli.videos import named_videos
from pipeline.errors import InputFileError, PathError

FILES = (
    "a.mp4",
    "day 1/clip.MP4",
    "day 2/clip.mp4",
    "day 2/b.mkv",
    "notes.txt",
    ".hidden.mp4",
    ".cache/c.mp4",
    "empty/notes.txt",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def folders(*names: object) -> list[str]:
    return [video.folder for video in named_videos([str(name) for name in names])]


def test_a_folder_stands_for_its_videos_and_those_below() -> None:
    expected = ["a.mp4", "day 1/clip.MP4", "day 2/b.mkv", "day 2/clip.mp4"]
    assert folders("videos") == folders("videos/") == expected
    assert folders(Path("videos").absolute()) == expected


def test_a_pattern_stands_for_the_files_that_match() -> None:
    assert folders("videos/day*/*.mkv") == ["b.mkv"]
    assert folders("videos/*") == ["a.mp4", "notes.txt"]
    assert folders("videos/**/*.[mM][pP]4") == ["a.mp4", "day 1/clip.MP4", "day 2/clip.mp4"]


def test_a_file_whose_name_is_a_pattern_is_a_file(folder: Path) -> None:
    (folder / "[1].mp4").touch()
    assert folders("[1].mp4") == ["[1].mp4"]


def test_a_file_is_taken_whatever_its_suffix() -> None:
    assert folders("videos/notes.txt") == ["notes.txt"]


def test_a_video_that_is_named_twice_is_processed_once() -> None:
    assert folders("videos/a.mp4", "videos/day 2", "videos/a.mp4", "./videos/a.mp4") == [
        "a.mp4", "b.mkv", "clip.mp4",
    ]  # fmt: skip


def test_videos_of_one_name_get_as_much_of_their_path_as_they_need(folder: Path) -> None:
    assert folders("videos/day 1/clip.MP4", "videos/day 2/clip.mp4", "videos/a.mp4") == [
        "day 1/clip.MP4", "day 2/clip.mp4", "a.mp4",
    ]  # fmt: skip
    other = folder / "other" / "day 1" / "clip.MP4"
    other.parent.mkdir(parents=True)
    other.touch()
    assert folders("videos/day 1", "other/day 1") == [
        "videos/day 1/clip.MP4", "other/day 1/clip.MP4",
    ]  # fmt: skip


def test_objects_get_their_keys_and_never_lead_out_of_the_folder() -> None:
    assert folders("s3://bucket/in/a.mp4", "s3://bucket/../../a.mp4", "s3://bucket//a.mp4") == [
        "in/a.mp4", "_/_/a.mp4", "_/a.mp4",
    ]  # fmt: skip
    assert folders("s3://one/in/a.mp4", "s3://two/in/a.mp4") == ["one/in/a.mp4", "two/in/a.mp4"]


@pytest.mark.parametrize("name", ["videos/empty", "videos/*.webm", "videos/empty/*.mp4"])
def test_an_argument_without_a_video_is_refused(name: str) -> None:
    with pytest.raises(PathError, match=r"has no video\. The suffixes of videos are: \.264"):
        folders("videos/a.mp4", name)


@pytest.mark.parametrize("name", ["none.mp4", "videos/none/a.mp4"])
def test_a_file_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(PathError, match="does not exist"):
        folders(name)


def test_a_folder_that_may_not_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def forbidden(path: str) -> object:
        if path.endswith("day 1"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(InputFileError, match="cannot be read: Permission denied"):
        folders("videos")
