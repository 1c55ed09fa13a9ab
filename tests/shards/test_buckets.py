"""The commands on videos and results in S3, as processes that reach a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import clips
from tests.support.command import PRETAG_PROCESS, with_signal
from tests.support.lambda_function import RESULTS, VIDEOS, visible_files
from tests.support.parts import clip_with_repeated_scenes
from tests.support.runs import FILES_WITH_TIMES
from tests.support.s3_server import s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

KEYS = ("in/cam 1.mp4", "in/cam 1+2.mp4", "in/höhe.mp4")
OUT = f"s3://{RESULTS}/data sets+/höhe"


class Server(NamedTuple):
    client: S3Client
    variables: dict[str, str]
    requests: list[str]

    def pretag(self, *arguments: object) -> str:
        """Return the standard output of a command that reaches this server."""
        finished = subprocess.run(
            [*PRETAG_PROCESS, *map(str, arguments)],
            env={**os.environ, **self.variables}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout

    def files_of_attempts(self) -> list[str]:
        """Return the keys of what attempts have written so far."""
        found = self.client.list_objects_v2(Bucket=RESULTS, Prefix="pretag-work/files/")
        return [each["Key"] for each in found.get("Contents", [])]

    def results(self, *arguments: object) -> list[tuple[str, str]]:
        """Return status and place of each result of `pretag run`."""
        lines = map(json.loads, self.pretag("run", *arguments, "--json").splitlines())
        return [(line["status"], line["result"]) for line in lines]


@pytest.fixture
def server() -> Iterator[Server]:
    with s3_server() as served:
        yield Server(*served)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_prefix_is_processed_to_another_prefix(server: Server, tmp_path: Path, jobs: int) -> None:
    for seed, key in enumerate(KEYS):
        clip = clips.write_clip(tmp_path / "clip.mp4", [clips.texture(seed)] * 3)
        server.client.put_object(Bucket=VIDEOS, Key=key, Body=clip.read_bytes())
    command = (f"s3://{VIDEOS}/in/", "--out", f"{OUT}/", "--jobs", jobs)
    results = server.results(*command)
    assert [(status, place.rpartition("/")[0]) for status, place in results] == [
        ("done", f"{OUT}/{key}") for key in sorted(KEYS)
    ]
    before = visible_files(server.client)
    assert server.results(*command) == [("repeated", place) for _, place in results]
    assert visible_files(server.client) == before
    for _, place in results:
        assert f"{place}: complete." in server.pretag("verify", place)
    preview = tmp_path / "preview"
    server.pretag("preview", results[0][1], "--out", preview)
    assert [path.name for path in preview.iterdir()] == ["frame_000000.jpg"]


def test_one_video_is_divided_with_the_same_result(server: Server, tmp_path: Path) -> None:
    clip = clip_with_repeated_scenes(tmp_path / "clip.mp4")
    server.client.put_object(Bucket=VIDEOS, Key="long.mp4", Body=clip.read_bytes())
    command = (
        f"s3://{VIDEOS}/long.mp4", "--set", "segment.seconds=2",
        "--set", "sampling.every_seconds=0.25",
    )  # fmt: skip
    ((_, one),) = server.results(*command, "--out", f"s3://{RESULTS}/one")
    server.requests.clear()
    ((_, many),) = server.results(*command, "--out", f"s3://{RESULTS}/many", "--jobs", 2)
    shards = server.requests.count(f"GET /{VIDEOS}/long.mp4") - 1
    assert shards > 2  # each looks for the video again
    assert data_files(server, one) == data_files(server, many)
    assert "complete" in server.pretag("verify", many)
    assert server.files_of_attempts() == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_leaves_nothing(server: Server, jobs: int) -> None:
    for key in KEYS:
        server.client.put_object(Bucket=VIDEOS, Key=key, Body=clips.SAMPLE.read_bytes())
    process = subprocess.Popen(
        [
            *with_signal(signal.SIGINT, signal.SIG_DFL), *PRETAG_PROCESS, "run",
            f"s3://{VIDEOS}/in/", "--out", OUT, "--jobs", str(jobs),
            "--set", "sampling.every_seconds=0.01", "--set", "dedupe.method=none",
        ],
        env={**os.environ, **server.variables}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len({key.split("/")[2] for key in server.files_of_attempts()}) < jobs:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, "Traceback" in err) == (130, False)
    assert "Contents" not in server.client.list_objects_v2(Bucket=RESULTS)


def data_files(server: Server, result: str) -> dict[str, bytes]:
    prefix = result.removeprefix(f"s3://{RESULTS}/")
    files = {
        key.removeprefix(prefix): data
        for key, data in visible_files(server.client).items()
        if key.startswith(f"{prefix}/") and key.rpartition("/")[2] not in FILES_WITH_TIMES
    }
    assert len(files) > 10
    return files
