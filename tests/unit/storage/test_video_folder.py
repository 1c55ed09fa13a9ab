"""The folder of a video, which no other video of the same name shares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.storage.result_folder import sources_of_datasets
from pipeline.storage.video_folder import own_folder

if TYPE_CHECKING:
    from pathlib import Path

FILE = {"sha256": "a" * 64}
OTHER_FILE = {"sha256": "b" * 64}
OBJECT = {"bucket": "one", "key": "a.mp4", "etag": "1"}


def source(identity: dict[str, str], uri: str = "a.mp4") -> dict[str, Any]:
    return {"uri": uri, **identity}


@pytest.mark.parametrize(
    ("identity", "there"),
    [
        (FILE, []),
        (FILE, [source(FILE, "elsewhere/a.mp4")]),
        (FILE, [source(OTHER_FILE), source(FILE)]),
        (OBJECT, [source({**OBJECT, "etag": "2", "version_id": "x"})]),
    ],
)
def test_a_video_keeps_the_folder_that_is_free_or_its_own(
    identity: dict[str, str], there: list[dict[str, Any]]
) -> None:
    assert own_folder("day 1/a.mp4", identity, there) == "day 1/a.mp4"


@pytest.mark.parametrize(
    ("identity", "there"),
    [
        (FILE, [source(OTHER_FILE)]),
        (FILE, [source(OTHER_FILE), {"uri": "a.mp4"}]),
        (FILE, [source(OBJECT)]),
        (OBJECT, [source({**OBJECT, "bucket": "two"})]),
        (OBJECT, [source(FILE)]),
    ],
)
def test_a_folder_of_another_video_is_left_to_it(
    identity: dict[str, str], there: list[dict[str, Any]]
) -> None:
    folder = own_folder("day 1/a.mp4", identity, there)
    name, _, digits = folder.rpartition("-")
    assert name == "day 1/a.mp4"
    assert len(bytes.fromhex(digits)) == 4
    assert own_folder("day 1/a.mp4", identity, there) == folder


def test_two_other_videos_get_two_folders() -> None:
    there = [source(OBJECT)]
    assert own_folder("a.mp4", FILE, there) != own_folder("a.mp4", OTHER_FILE, there)


def test_only_finished_datasets_say_whose_a_folder_is(tmp_path: Path) -> None:
    manifest = {
        "run_id": "abc", "pretag": "1", "finished": "2026-01-01T00:00:00Z", "counts": {},
        "files": [], "source": source(FILE),
    }  # fmt: skip
    files = {
        "abc/manifest.json": json.dumps(manifest),
        "damaged/manifest.json": "{",
        "rejected/rejection.json": "{}",
        ".def.0011/manifest.json": json.dumps({**manifest, "source": source(OTHER_FILE)}),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    assert list(sources_of_datasets(tmp_path)) == [source(FILE)]
    assert list(sources_of_datasets(tmp_path / "none")) == []
