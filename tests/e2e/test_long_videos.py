"""A long video in the emulator: its shards are worked on by containers of the real image.

A proxy between the containers and S3 decides what goes wrong: a shard is killed, throttled, or
cannot write its result. The emulator's map has no bound on how many work at once, and its error for
an invocation that Lambda throttles has another name than AWS's, so neither is shown here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any

import av
import pytest

from pipeline.storage.s3.attempts import WORK_PREFIX
from tests.e2e import docker
from tests.e2e.emulator import RESULTS, Emulator
from tests.e2e.lambda_container import StartContainer
from tests.e2e.stack import Stack
from tests.e2e.waiting import wait_for
from tests.support import clips
from tests.support.faulty_proxy import (
    UNAVAILABLE,
    Answer,
    Forward,
    Request,
    faulty_proxy,
    http_service,
)
from tests.support.runs import FILES_WITH_TIMES
from tests.support.visible_results import check_visible

MODELS = "pretag-long-config"
CONFIG = "segment: {seconds: 10}\n"
VARIABLES = {"PRETAG_SEGMENT__SECONDS": "10"}
_TIMES, _SHARDS, _SECONDS = 3, 9, 300
_DENIED = Answer(
    HTTPStatus.FORBIDDEN,
    {"content-type": "application/xml"},
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
)


@dataclass
class Faults:
    """What goes wrong with the requests to S3 of one test.

    Attributes:
        throttled: how many images are answered with `SlowDown`, once each.
        denied: the shard whose result cannot be written.
        kills_at: the shard at whose result all containers are killed, once.
        counts: number of results that were written, by shard.
    """

    throttled: int = 0
    denied: int | None = None
    kills_at: int | None = None
    counts: Counter[int] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def exchange(self, request: Request, forward: Forward) -> Answer | None:
        """Answer a request."""
        if request.method != "PUT":
            return forward(request)
        with self._lock:
            if self.throttled and "/images/" in request.path:
                self.throttled -= 1
                return UNAVAILABLE
            found = re.search(r"/shards/(\d+)\.npz$", request.path)
            shard = None if found is None else int(found[1])
            if shard is not None and shard == self.denied:
                return _DENIED
            if shard is not None and shard == self.kills_at:
                self.kills_at = None
                working = docker.docker("ps", "--quiet", "--filter", "label=ministack=lambda")
                docker.docker("kill", *working.split())
                return None
        answer = forward(request)
        if shard is not None:
            self.counts[shard] += 1
        return answer


@dataclass(frozen=True)
class LongVideos:
    """A stack that divides every video, behind a proxy."""

    stack: Stack
    faults: Faults

    def executions(self) -> list[dict[str, Any]]:
        """Return all executions, each with its input, the oldest first."""
        client = self.stack.aws.client("stepfunctions")
        listed = client.list_executions(stateMachineArn=self.stack.outputs["LongVideos"])
        described = [
            client.describe_execution(executionArn=each["executionArn"])
            for each in listed["executions"]
        ]
        described.sort(key=lambda each: each["startDate"])
        return [{**each, "input": json.loads(each["input"])} for each in described]

    def of(self, key: str) -> list[dict[str, Any]]:
        """Return the executions for one video."""
        return [each for each in self.executions() if key in json.dumps(each["input"])]

    def wait(self, key: str, number: int = 1) -> dict[str, Any]:
        """Wait until the execution of a video has ended, and return it."""

        def ended() -> dict[str, Any] | None:
            found = self.of(key)[number - 1 :]
            return found[0] if found and found[0]["status"] != "RUNNING" else None

        return wait_for(ended, f"execution {number} of {key}", _SECONDS)

    def work_left(self) -> list[str]:
        """Return what is left of runs below `pretag-work/`."""
        keys = self.stack.aws.tree(self.stack.outputs["OutputBucket"], WORK_PREFIX)
        kept = ("uploads/", "decision.json")
        return [key for key in keys if not key.startswith(kept[0]) and not key.endswith(kept[1])]


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def deployed(image: str, aws: Emulator, faults: Faults) -> Iterator[LongVideos]:
    aws.make_bucket(MODELS)
    aws.client("s3").put_object(Bucket=MODELS, Key="pretag.yaml", Body=CONFIG.encode())
    with faulty_proxy(http_service(aws.url), faults.exchange, docker.bridge_address()) as url:
        stack = Stack.deploy(
            aws,
            image,
            "pretag-long",
            ShardAfterSeconds="0",
            ModelBucketName=MODELS,
            ConfigFile=f"s3://{MODELS}/pretag.yaml",
            S3EndpointUrl=url,
        )
        yield LongVideos(stack, faults)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the sample three times: more than what is surely short."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return repeated(path, _TIMES).read_bytes()


def repeated(path: Path, times: int) -> Path:
    """Write the packets of the sample again and again, without decoding them."""
    with av.open(str(path), "w") as out:
        stream = None
        for turn in range(times):
            with av.open(str(clips.SAMPLE)) as source:
                (track,) = source.streams.video
                stream = stream or out.add_stream_from_template(track)
                length = track.duration or 0
                for packet in source.demux(track):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts += turn * length
                    packet.dts += turn * length
                    packet.stream = stream
                    out.mux(packet)
    return path


def data_files(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path not in FILES_WITH_TIMES}


@pytest.fixture
def alone(deployed: LongVideos, start: StartContainer, aws: Emulator) -> Any:  # noqa: ANN401 - a function
    """Return a function that does a video of the stack in one container, and returns its files."""

    def alone(key: str, **more: str) -> dict[str, bytes]:
        bucket = deployed.stack.outputs["InputBucket"]
        container = start(INPUT_BUCKETS=bucket, OUTPUT_PREFIX="alone", **VARIABLES, **more)
        status, body = container.invoke({"video": f"s3://{bucket}/{key}"})
        assert status == HTTPStatus.OK, container.logs()
        (outcome,) = json.loads(body)["videos"]
        assert outcome["status"] == "done", outcome
        prefix = outcome["result"].removeprefix(f"s3://{RESULTS}/")
        return aws.tree(RESULTS, f"{prefix}/")

    return alone


def test_shards_give_the_same_bytes_although_all_containers_are_killed_once(
    deployed: LongVideos,
    video: bytes,
    alone: Any,  # noqa: ANN401 - a function
) -> None:
    key = "long/killed.mp4"
    deployed.faults.kills_at = 5
    deployed.stack.put(key, video)
    execution = deployed.wait(key)
    assert execution["status"] == "SUCCEEDED", execution
    assert execution["input"]["shards"] == list(range(_SHARDS))
    assert deployed.faults.kills_at is None
    files = deployed.stack.dataset(key)
    check_visible({f"run/{path}": data for path, data in files.items()})
    assert data_files(files) == data_files(alone(key))
    assert deployed.work_left() == []


def test_shards_give_the_archive_of_one_invocation(
    deployed: LongVideos,
    video: bytes,
    aws: Emulator,
    alone: Any,  # noqa: ANN401 - a function
) -> None:
    key, s3 = "long/archive.mp4", aws.client("s3")
    archived = f"{CONFIG}output: {{archive: zip}}\n"
    s3.put_object(Bucket=MODELS, Key="pretag.yaml", Body=archived.encode())
    try:
        deployed.stack.put(key, video)
        assert deployed.wait(key)["status"] == "SUCCEEDED"
    finally:
        s3.put_object(Bucket=MODELS, Key="pretag.yaml", Body=CONFIG.encode())
    files = deployed.stack.dataset(key)
    check_visible({f"run/{path}": data for path, data in files.items()})
    assert "images.zip" in files
    assert not any(path.endswith(".jpg") for path in files)
    assert data_files(files) == data_files(alone(key, PRETAG_OUTPUT__ARCHIVE="zip"))
    assert deployed.work_left() == []


def test_a_throttled_shard_waits_and_goes_on(deployed: LongVideos, video: bytes) -> None:
    key = "long/throttled.mp4"
    deployed.faults.throttled = 6
    deployed.stack.put(key, video)
    assert deployed.wait(key)["status"] == "SUCCEEDED"
    assert deployed.faults.throttled == 0
    check_visible({f"run/{path}": d for path, d in deployed.stack.dataset(key).items()})


def test_a_failed_shard_goes_to_the_failure_queue_and_a_redrive_does_what_is_missing(
    deployed: LongVideos,
    video: bytes,
    alone: Any,  # noqa: ANN401 - a function
) -> None:
    key, stack = "long/denied.mp4", deployed.stack
    deployed.faults.denied = 3
    deployed.faults.counts.clear()
    stack.put(key, video)
    assert deployed.wait(key)["status"] == "FAILED"
    (failure,) = wait_for(stack.waiting_failures, "a message in the failure queue")
    assert failure["detail"]["status"] == "FAILED"
    given = json.loads(failure["detail"]["input"])
    assert given["event"]["Records"][0]["s3"]["object"]["key"] == key
    assert stack.latest(key) is None

    deployed.faults.denied = None
    stack.set_redrive(enabled=True)
    execution = deployed.wait(key, number=2)
    wait_for(lambda: stack.count_failures() == 0, "an empty failure queue")
    stack.set_redrive(enabled=False)
    assert execution["status"] == "SUCCEEDED"
    files = stack.dataset(key)
    assert execution["input"]["shards"] == [3]
    assert deployed.faults.counts == dict.fromkeys(range(_SHARDS), 1)  # none was computed twice
    check_visible({f"run/{path}": data for path, data in files.items()})
    assert data_files(files) == data_files(alone(key))
    assert deployed.work_left() == []


def test_the_log_tells_the_slowest_shard_and_the_cost(deployed: LongVideos) -> None:
    found = [each for each in deployed.stack.outcomes() if "shard_times" in each]
    assert len(found) == 4
    for each in found:
        times = each["shard_times"]
        assert times["number"] == _SHARDS
        assert 0 < times["slowest_seconds"] < times["lambda_seconds"]
        assert each["dollars"] > 0
