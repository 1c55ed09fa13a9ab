"""`pretag submit`: the events that are sent, the estimate, limits, resuming, errors."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from handler import app
from handler.events import jobs_in
from handler.jobs import Job
from tests.support import clips
from tests.support.fake_deployment import FUNCTION, LIVE_FUNCTION, STACK, FakeDeployment
from tests.support.lambda_function import (
    RESULTS,
    VARIABLES,
    VIDEOS,
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

    from tests.support.command import Finished, Pretag

ODD_KEYS = [
    "incoming/a b+c%2B&=#?.mp4",
    "incoming/höhe/\u65e5\u672c \U0001f3ac.MOV",
    "incoming/x'\"<>\\.mkv",
]
SECONDS = 30.0  # length of the sample


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3Client]:
    for name, value in {**VARIABLES, "PRETAG_SAMPLING__EVERY_SECONDS": "20"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app.logger, "service", VARIABLES["POWERTOOLS_SERVICE_NAME"])
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.chdir(tmp_path)
    with emulated_s3() as client:
        yield client


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, s3: S3Client) -> FakeDeployment:  # noqa: ARG001
    outputs = {"LiveFunction": LIVE_FUNCTION, "InputBucket": VIDEOS, "OutputBucket": RESULTS}
    deployment = FakeDeployment({"InputPrefix": "incoming/", "OutputPrefix": "datasets"}, outputs)
    deployment.connect(monkeypatch)
    return deployment


def submit(pretag: Pretag, *options: str) -> Finished:
    return pretag("submit", f"s3://{VIDEOS}/incoming/", "--stack", STACK, *options)


def put_small(client: S3Client, *keys: str) -> None:
    for key in keys:
        client.put_object(Bucket=VIDEOS, Key=key, Body=b"no video")


def sent_keys(deployment: FakeDeployment) -> list[str]:
    return [job.key for event in deployment.events for job in jobs_in(event)]  # type: ignore[union-attr]


def test_each_video_is_sent_as_an_event_of_s3(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment
) -> None:
    versioning: Any = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=VIDEOS, VersioningConfiguration=versioning)
    put_small(s3, *ODD_KEYS, *ODD_KEYS, "incoming/notes.txt", "incoming/folder.mp4/", "b.mp4")
    put_small(s3, "incoming/deleted.mp4")
    s3.delete_object(Bucket=VIDEOS, Key="incoming/deleted.mp4")
    done = submit(pretag, "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "Sent 3 videos."
    jobs = [job for event in deployed.events for job in jobs_in(event)]
    submission = json.loads(deployed.events[0]["Records"][0]["submission"].join('""'))
    expected = []
    for key in sorted(ODD_KEYS, key=str.encode):
        head = s3.head_object(Bucket=VIDEOS, Key=key)
        etag, version_id = head["ETag"].strip('"'), head["VersionId"]
        expected.append(Job(VIDEOS, key, version_id, etag, None, submission))
    assert jobs == expected


def test_more_than_a_page_is_sent_and_each_once(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment
) -> None:
    keys = [f"incoming/{number:04}.mp4" for number in range(1050)]
    put_small(s3, *keys)
    done = submit(pretag, "--yes")
    assert done.out.splitlines()[-1] == ("Sent 1000 videos. The same command sends the next ones.")
    assert submit(pretag, "--yes").out.splitlines()[-1] == "Sent 50 videos."
    assert sent_keys(deployed) == keys
    again = submit(pretag, "--yes")
    assert again.out == (
        "All 1,050 videos were sent. Delete pretag-submit.json to begin another submission.\n"
    )
    assert len(deployed.events) == 1050


def test_an_error_stops_and_the_same_command_goes_on(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment
) -> None:
    keys = [f"incoming/{number}.mp4" for number in range(4)]
    put_small(s3, *keys)
    assert submit(pretag, "--yes", "--limit", "2").code == 0
    deployed.answers = [(403, "AccessDeniedException")]
    refused = submit(pretag, "--yes")
    assert refused.code == 1
    assert refused.out.endswith("Sent 0 videos. The same command sends the next ones.\n")
    assert refused.err == (
        f"pretag: AWS refuses Invoke for the function {LIVE_FUNCTION} "
        "(AccessDeniedException: why). Check the name, the region and the permissions of your "
        "credentials.\n"
    )
    put_small(s3, "incoming/00.mp4")  # it has an event of its own
    assert submit(pretag, "--yes").code == 0
    assert sent_keys(deployed) == keys
    assert len({event["Records"][0]["submission"] for event in deployed.events}) == 1


def test_throttled_invocations_are_tried_again(
    pretag: Pretag,
    s3: S3Client,
    deployed: FakeDeployment,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)
    put_small(s3, "incoming/a.mp4")
    deployed.answers = [(429, "TooManyRequestsException")] * 8 + [(500, "ServiceException")]
    assert submit(pretag, "--yes").code == 0
    assert sent_keys(deployed) == ["incoming/a.mp4"]
    assert len(pauses) == 9
    state = json.loads((tmp_path / "pretag-submit.json").read_text())
    assert (state["sent"], state["is_complete"]) == (1, True)
    put_small(s3, "incoming/b.mp4")
    deployed.answers = [(429, "TooManyRequestsException")] * 10
    done = submit(pretag, "--yes", "--state", "other.json")
    assert done.code == 1
    assert "AWS failed 10 times in Invoke" in done.err


def test_a_dry_run_prints_count_hours_and_dollars_and_sends_nothing(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment, tmp_path: Path
) -> None:
    for number in range(3):
        put_video(s3, f"incoming/{number}.mp4")
    size = 3 * clips.SAMPLE.stat().st_size
    done = submit(pretag, "--dry-run", "--real-time-factor", "120", "--concurrency", "2")
    assert done.code == 0
    hours = 3 * SECONDS / 3600
    compute = 3600 * 120 * hours * 1.0 * 0.0000166667
    writes = (2 * 3 * SECONDS + 23 * 3) * 0.000005
    rest = (size / 2**22 + 36) * 0.0000004 + 3 * 0.0000012
    assert done.out.splitlines() == [
        f"3 videos below s3://{VIDEOS}/incoming/, {size / 1e9:.2f} GB.",
        f"About {hours:.2f} h of video (give or take 0.00 h), by the headers of 3 videos.",
        (
            f"About {120 * hours:.2f} h of work at a real-time factor of 120: "
            f"{60 * hours:.2f} h with 2 functions at once."
        ),
        (
            f"About ${compute + writes + rest:.2f}, at prices of us-east-1, if each second of "
            "video gives an image, and each image is an object of its own. With output.archive it "
            "costs less."
        ),
    ]
    assert deployed.events == []
    assert list(tmp_path.iterdir()) == []


def test_without_a_yes_nothing_is_sent(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_small(s3, "incoming/a.mp4")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    done = submit(pretag)
    assert (done.code, deployed.events) == (1, [])
    assert f"Send 1 video to {LIVE_FUNCTION}? [y/N]" in done.err


def test_archived_videos_are_left_out_and_suffixes_are_those_of_the_function(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment
) -> None:
    put_small(s3, "incoming/a.mp4", "incoming/b.bin")
    s3.put_object(Bucket=VIDEOS, Key="incoming/c.bin", Body=b"", StorageClass="DEEP_ARCHIVE")
    deployed.configuration["Environment"] = {"Variables": {"VIDEO_SUFFIXES": ".BIN, .raw"}}
    assert submit(pretag, "--yes").code == 0
    assert sent_keys(deployed) == ["incoming/b.bin"]


def test_an_empty_prefix_is_no_error(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment
) -> None:
    put_small(s3, "incoming/a.txt")
    done = submit(pretag)
    assert (done.code, deployed.events) == (0, [])
    assert done.out.splitlines()[0] == f"No video is left to send below s3://{VIDEOS}/incoming/."


@pytest.mark.usefixtures("deployed")
def test_a_function_without_a_stack(pretag: Pretag, s3: S3Client) -> None:
    put_small(s3, "anywhere/a.mp4")
    done = pretag("submit", f"s3://{VIDEOS}", "--function", FUNCTION, "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Sent 1 video.")


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    "arguments",
    [
        (f"s3://{VIDEOS}/incoming/",),
        (f"s3://{VIDEOS}/incoming/", "--stack", STACK, "--function", FUNCTION),
        (f"s3://{VIDEOS}/", "--stack", STACK),
        (f"s3://{RESULTS}/incoming/", "--stack", STACK),
        ("incoming", "--stack", STACK),
        (f"s3://{VIDEOS}/incoming/", "--stack", STACK, "--limit", "0"),
    ],
)
def test_wrong_usage(pretag: Pretag, arguments: tuple[str, ...]) -> None:
    assert pretag("submit", *arguments).code == 2


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "does not say how far"),
        ('{"id": "0"}', "does not say how far"),
        ('{"id": "0", "videos": "s3://x/", "function": "f"}', "is of a submission of s3://x/ to f"),
    ],
)
def test_another_state_file_is_refused(
    pretag: Pretag, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "pretag-submit.json").write_text(content)
    done = submit(pretag, "--yes")
    assert done.code == 1
    assert message in done.err


def test_the_folder_of_the_state_file_is_made(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment, tmp_path: Path
) -> None:
    put_video(s3, "incoming/a.mp4")
    state = tmp_path / "new" / "folder" / "state.json"
    assert submit(pretag, "--yes", "--state", str(state)).code == 0
    assert (len(deployed.events), json.loads(state.read_text())["sent"]) == (1, 1)


def test_a_changed_model_gives_a_second_result_in_a_new_submission(
    pretag: Pretag, s3: S3Client, deployed: FakeDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "incoming/a.mp4"
    notify(put_video(s3, key))

    def latest() -> dict[str, Any]:
        value: dict[str, Any] = json.loads(visible_files(s3)[f"datasets/{key}/latest.json"])
        return value

    first = latest()
    statuses = []
    for number, seconds in enumerate(("20", "20", "15", "12")):
        monkeypatch.setenv("PRETAG_SAMPLING__EVERY_SECONDS", seconds)
        assert submit(pretag, "--yes", "--state", f"{number}.json").code == 0
        event = deployed.events[-1]
        statuses += [invoke(event)["videos"][0]["status"] for _ in range(2)]
    assert statuses == [
        "repeated", "repeated", "repeated", "repeated", "done", "repeated", "done", "repeated",
    ]  # fmt: skip
    assert latest()["run_id"] != first["run_id"]
    assert latest()["sequencer"] == first["sequencer"]
    run_ids = {name.split("/")[3] for name in visible_files(s3)} - {"latest.json"}
    assert len(run_ids) == 3
