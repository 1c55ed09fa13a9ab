"""`pretag index`: real results in folders and in S3."""

from __future__ import annotations

import json
import re
import shutil
import tracemalloc
from threading import Semaphore
from typing import TYPE_CHECKING

import pytest

from handler import index_page
from pipeline.dataset.index.writing import write_index_page
from pipeline.errors import BrokenError
from pipeline.resources.deadline import Deadline
from pipeline.storage.newest_results import FolderOfResults, newest_endings
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.retries import Retries
from tests.support import runs
from tests.support.cloudformation import of_type
from tests.support.lambda_function import (
    RESULTS,
    VARIABLES,
    Context,
    emulated_s3,
    invoke,
    notify,
    put_video,
    visible_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.support.command import Pretag


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with emulated_s3() as client:
        yield client


def links(html: str) -> list[str]:
    return re.findall('href="([^"]+)"', html)


def test_a_folder_gets_a_page_that_leads_to_its_reports(pretag: Pretag, tmp_path: Path) -> None:
    done = runs.run(tmp_path, sampling={"every_seconds": 15})
    text = tmp_path / "in" / "text.mp4"
    text.parent.mkdir()
    text.write_text("no video")
    rejected = runs.run(tmp_path, text)
    damaged = tmp_path / "c.mp4" / "0123" / "manifest.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    said = f"{tmp_path}/index.html: 3 results.\n"
    warned = f"{tmp_path}/c.mp4/0123/manifest.json was left out: it is damaged, or gone now.\n"
    for _ in range(2):  # the page itself is no result
        assert pretag("index", tmp_path) == (0, said, warned)
    html = (tmp_path / "index.html").read_text()
    folders = [runs.result_folder(outcome).relative_to(tmp_path) for outcome in (done, rejected)]
    assert set(links(html)) == {f"./{folders[0]}/report.html", f"./{folders[1]}/rejection.json"}
    assert all((tmp_path / link).is_file() for link in links(html))
    assert "100.00 %" in html


def test_a_prefix_gets_a_page_with_coverage_and_cost(pretag: Pretag, s3: S3Client) -> None:
    notify(put_video(s3))
    notify(put_video(s3, "incoming/b.mp4", b"no video"))
    assert pretag("index", f"s3://{RESULTS}/datasets/").out == (
        f"s3://{RESULTS}/datasets/index.html: 2 results.\n"
    )
    files = visible_files(s3)
    html = files["datasets/index.html"].decode()
    (manifest,) = [json.loads(data) for key, data in files.items() if key.endswith("manifest.json")]
    assert 0 < manifest["figures"]["dollars"] < 0.01
    assert f"{manifest['figures']['dollars']:.6f}" in html
    assert "./incoming/cam%201%2B2/h%C3%B6he.mp4/" in html
    assert s3.head_object(Bucket=RESULTS, Key="datasets/index.html")["ContentType"] == "text/html"
    # From the root of the bucket, work files are no results.
    assert pretag("index", f"s3://{RESULTS}").out.endswith("index.html: 2 results.\n")


def test_images_are_not_listed_and_videos_in_folders_called_like_theirs_are(
    pretag: Pretag, s3: S3Client
) -> None:
    """The ten images of the sample would be most of its keys."""
    notify(put_video(s3))
    (manifest,) = [key for key in visible_files(s3) if key.endswith("manifest.json")]
    folder = manifest.removesuffix("manifest.json")
    odd = manifest.replace("incoming/", "incoming/images/default/", 1)
    body = s3.get_object(Bucket=RESULTS, Key=manifest)["Body"].read()
    s3.put_object(Bucket=RESULTS, Key=odd, Body=body)
    bucket = Bucket(s3, RESULTS, None, Retries(Deadline.never()))
    listed = [key for key, _ in bucket.entries_and_folders("datasets/", "/images/default/")]
    assert f"{folder}images/default/" in listed
    assert not [key for key in listed if key.endswith(".jpg")]
    assert pretag("index", f"s3://{RESULTS}/datasets").out.endswith("index.html: 2 results.\n")


def test_the_function_writes_the_page_when_its_schedule_asks(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(put_video(s3))
    rules = of_type("AWS::Events::Rule").values()
    (rule,) = [each for each in rules if "ScheduleExpression" in each]
    event = json.loads(rule["Targets"][0]["Input"])
    page = f"s3://{RESULTS}/datasets/index.html"
    assert invoke(event) == {"page": page, "results": 1, "damaged": []}
    html = visible_files(s3)["datasets/index.html"].decode()
    assert "./incoming/cam%201%2B2/h%C3%B6he.mp4/" in html

    # The 5 minutes are over, or there is just enough time to read and to write.
    with monkeypatch.context() as slow:
        slow.setattr(index_page, "LISTING_SECONDS", 0.0)
        with pytest.raises(BrokenError, match="more results than can be listed"):
            invoke(event)
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _: 15_000)
    with pytest.raises(BrokenError, match="more results than can be listed"):
        invoke(event)
    assert visible_files(s3)["datasets/index.html"].decode() == html


def test_only_the_newest_are_kept_in_memory(tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / f"{number}.mp4" / "0123" / "manifest.json"
        file.parent.mkdir(parents=True)
        file.touch()
    found, total = newest_endings(FolderOfResults(tmp_path), 5)
    assert (len(found), total) == (5, 20)


def test_a_folder_that_changes_while_it_is_listed_is_no_error(tmp_path: Path) -> None:
    """An attempt that is published gets its final name, and others are removed."""
    for number in range(3):
        file = tmp_path / f"{number}.mp4" / "0123" / "manifest.json"
        file.parent.mkdir(parents=True)
        file.touch()
    place = FolderOfResults(tmp_path)
    listing = place.endings()
    first = next(listing)[1]
    for folder in tmp_path.iterdir():
        shutil.rmtree(folder)
    assert list(listing) == []
    assert place.read(first) == b""


def test_manifests_do_not_wait_in_memory_for_an_earlier_one_that_is_slow() -> None:
    place = SlowFirst(number=100, megabytes=1)
    tracemalloc.start()
    try:
        written = write_index_page(place)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (written.results, len(written.damaged)) == (100, 100)
    assert peak_bytes < 40e6


class SlowFirst:
    """Large files that are no results; the first one is read last."""

    location = "results"

    def __init__(self, number: int, megabytes: int) -> None:
        self.paths = [f"{each:03}/manifest.json" for each in range(number)]
        self.size_bytes = megabytes * 10**6
        self.read_others = Semaphore(0)

    def endings(self) -> Iterator[tuple[float, str]]:
        for age, path in enumerate(self.paths):
            yield -age, path

    def read(self, path: str) -> bytes:
        if path == self.paths[0]:
            for _ in self.paths[1:]:
                assert self.read_others.acquire(timeout=60)
        else:
            self.read_others.release()
        return b"{}".ljust(self.size_bytes)

    def write(self, path: str, data: bytes) -> None:
        assert (path, data[:9]) == ("index.html", b"<!doctype")


@pytest.mark.parametrize("place", ["missing", "s3://"])
def test_a_wrong_place_is_wrong_usage(pretag: Pretag, place: str) -> None:
    assert pretag("index", place).code == 2
