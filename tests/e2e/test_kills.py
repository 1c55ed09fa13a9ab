"""Containers of the image are killed with SIGKILL at chosen moments of a run.

A proxy between the container and the emulator holds the container at a request, so each moment is
exact. After each kill, what readers see is checked; then Lambda's next attempt runs in another
container, and there must be exactly one result.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pipeline.storage.s3.attempts import WORK_PREFIX
from tests.e2e import template
from tests.e2e.emulator import VIDEOS, Emulator
from tests.e2e.held_container import Moment, held_at
from tests.e2e.lambda_container import LambdaContainer, StartContainer
from tests.e2e.waiting import wait_for
from tests.support import clips
from tests.support.runs import FILES_WITH_TIMES
from tests.support.visible_results import check_visible, run_folders

BUCKET, KEY = "pretag-kills", "kills/höhe 1.mp4"
VARIABLES = {
    "OUTPUT_BUCKET": BUCKET,
    "INPUT_BUCKETS": VIDEOS,
    "EVENT_BUS": "default",
    "PRETAG_SAMPLING__EVERY_SECONDS": "1",
}
FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"

_FILES, _RUNS = "/pretag-work/files/", "/pretag-work/runs/"
_DECISION, _UPLOAD = f"{_RUNS}.*/decision.json", "/pretag-work/uploads/"
_VISIBLE = f"^/{BUCKET}/pretag/"

NOTHING_VISIBLE = [
    Moment("before the video is read", "GET", f"^/{VIDEOS}/", is_after=False),
    Moment("before the registration", "PUT", f"{_RUNS}.*/attempts/", is_after=False),
    Moment("after the registration", "PUT", f"{_RUNS}.*/attempts/"),
    Moment("after the first picture", "PUT", f"{_FILES}.*jpg"),
    Moment("after the fourth picture", "PUT", f"{_FILES}.*jpg", number=4),
    Moment("after the first data file", "PUT", f"{_FILES}.*/annotations/"),
    Moment("after the last file", "PUT", f"{_FILES}.*/report.html"),
    Moment("after the manifest of the attempt", "PUT", f"{_FILES}.*/manifest.json"),
    Moment("after the decision of the upload", "PUT", _UPLOAD),
    Moment("before the decision of the run", "PUT", _DECISION, is_after=False),
    Moment("after the decision of the run", "PUT", _DECISION),
    Moment("before the first copy", "COPY", is_after=False),
    Moment("after the first copy", "COPY"),
    Moment("in the middle of the copies", "COPY", number=6),
    Moment("before the visible manifest", "PUT", f"{_VISIBLE}.*/manifest.json", is_after=False),
]
VISIBLE = [
    Moment("after the visible manifest", "PUT", f"{_VISIBLE}.*/manifest.json"),
    Moment("before latest.json", "PUT", f"{_VISIBLE}.*/latest.json", is_after=False),
    Moment("after latest.json", "PUT", f"{_VISIBLE}.*/latest.json"),
    Moment("before the notification", "PutEvents", is_after=False),
    Moment("after the notification", "PutEvents"),
    Moment("before the files of the attempt are removed", "DELETE", number=2, is_after=False),
    Moment("after the files of the attempt are removed", "DELETE", number=2),
    Moment("after the registration is removed", "DELETE", number=3),
]
# Of a duplicate, after the first delivery has finished. It only reads, and not the video.
OF_A_DUPLICATE = [
    Moment("after the decision is read", "GET", _UPLOAD),
    Moment("after the registrations are listed", "LIST"),
    Moment("after the manifest is read", "GET", f"{_VISIBLE}.*/manifest.json"),
]
# Of one of two containers at once. The other one works while this one stands still.
OF_ONE_OF_TWO = [
    Moment("after the registration", "PUT", f"{_RUNS}.*/attempts/"),
    Moment("after the manifest of the attempt", "PUT", f"{_FILES}.*/manifest.json"),
    Moment("after the decision of the upload", "PUT", _UPLOAD),
    Moment("after the decision of the run", "PUT", _DECISION),
    Moment("in the middle of the copies", "COPY", number=6),
    Moment("after the visible manifest", "PUT", f"{_VISIBLE}.*/manifest.json"),
    Moment("after the notification", "PutEvents"),
]


@pytest.fixture(scope="module")
def event(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Upload a clip of six pictures, and return its event."""
    path = clips.write_clip(tmp_path_factory.mktemp("kills") / "a.mp4", clips.textures(6), rate=1)
    return aws.upload(KEY, path.read_bytes())


@pytest.fixture(scope="module")
def other(image: str, aws: Emulator) -> Iterator[LambdaContainer]:
    """Run a container that is not killed, for the next attempts."""
    aws.make_bucket(BUCKET)
    container = LambdaContainer.start(
        image,
        megabytes=template.default_of("MemoryMegabytes"),
        timeout=template.default_of("TimeoutSeconds"),
        variables={**aws.variables, **VARIABLES},
    )
    yield container
    container.remove()


@pytest.fixture(scope="module")
def queue(aws: Emulator) -> str:
    """Return a queue that gets the notifications."""
    return aws.queue_of_events("kills", {"source": ["pretag"], "detail": {"key": [KEY]}})


@pytest.fixture(scope="module")
def reference(other: LambdaContainer, aws: Emulator, event: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the data files of a run that nobody disturbs."""
    assert status(other.invoke(event)) == "done"
    return data_files(aws)


@pytest.fixture(autouse=True)
def _clean(aws: Emulator, reference: Mapping[str, bytes], queue: str) -> None:
    """Empty the bucket and the queue."""
    assert len([path for path in reference if path.endswith(".jpg")]) == 6
    aws.empty_bucket(BUCKET)
    aws.client("sqs").purge_queue(QueueUrl=queue)


def visible(aws: Emulator) -> dict[str, bytes]:
    """Return what readers see, after it was checked."""
    objects = aws.tree(BUCKET)
    objects = {key: data for key, data in objects.items() if not key.startswith(WORK_PREFIX)}
    check_visible(objects)
    return objects


def data_files(aws: Emulator) -> dict[str, bytes]:
    """Return the files of the one visible result, by path, without those that hold times."""
    objects = visible(aws)
    (folder,) = run_folders(objects)
    prefix = f"{folder}/"
    paths = {key.removeprefix(prefix): key for key in objects if key.startswith(prefix)}
    return {path: objects[key] for path, key in paths.items() if path not in FILES_WITH_TIMES}


def status(answer: tuple[int, str]) -> str:
    """Return the status of the video in an answer of the function."""
    body = json.loads(answer[1])
    assert "videos" in body, body
    (video,) = body["videos"]
    return str(video["status"])


def check_result(aws: Emulator, reference: Mapping[str, bytes]) -> None:
    """Check that there is one complete result, and that `latest.json` names it."""
    objects = visible(aws)
    (folder,) = run_folders(objects)
    latest = json.loads(objects.pop(f"pretag/{KEY}/latest.json"))
    assert folder == f"pretag/{KEY}/{latest['run_id']}"
    assert latest["sequencer"] == "0067A1B2C3D4E5F601"
    assert {key for key in objects if not key.startswith(f"{folder}/")} == set()
    assert data_files(aws) == reference


def check_nobody_is_registered(aws: Emulator) -> None:
    """Check that all registrations were removed. Files of dead attempts may stay."""
    left = {key.rpartition("/")[2] for key in aws.tree(BUCKET, f"{WORK_PREFIX}runs/")}
    assert left == {"decision.json"}


def check_told(aws: Emulator, queue: str) -> None:
    """Check that a notification of the result arrived."""
    run_id = json.loads(visible(aws)[f"pretag/{KEY}/latest.json"])["run_id"]
    messages = wait_for(lambda: aws.messages(queue), "the notification")
    assert {message["detail"]["run_id"] for message in messages} == {run_id}


@pytest.mark.parametrize("moment", [*NOTHING_VISIBLE, *VISIBLE], ids=lambda moment: moment.name)
def test_after_a_kill_the_next_attempt_completes_the_result(  # noqa: PLR0913, PLR0917 - fixtures
    moment: Moment,
    start: StartContainer,
    other: LambdaContainer,
    aws: Emulator,
    event: dict[str, Any],
    reference: dict[str, bytes],
    queue: str,
) -> None:
    with held_at(moment, start, aws, event, FIRST, **VARIABLES) as held:
        held.kill()
        assert len(run_folders(visible(aws))) == (moment in VISIBLE)
    aws.let_a_minute_pass(BUCKET)
    assert status(other.invoke(event, FIRST)) in {"done", "repeated"}
    check_result(aws, reference)
    check_nobody_is_registered(aws)
    check_told(aws, queue)
    before = aws.tree(BUCKET)
    assert status(other.invoke(event, SECOND)) == "repeated"
    assert aws.tree(BUCKET) == before


@pytest.mark.parametrize("moment", OF_A_DUPLICATE, ids=lambda moment: moment.name)
def test_a_duplicate_of_a_finished_result_that_is_killed_changes_nothing(
    moment: Moment,
    start: StartContainer,
    other: LambdaContainer,
    aws: Emulator,
    event: dict[str, Any],
) -> None:
    assert status(other.invoke(event, FIRST)) == "done"
    before = aws.tree(BUCKET)
    with held_at(moment, start, aws, event, SECOND, **VARIABLES) as held:
        held.kill()
    assert aws.tree(BUCKET) == before
    assert status(other.invoke(event, SECOND)) == "repeated"
    assert aws.tree(BUCKET) == before


@pytest.mark.parametrize("moment", OF_ONE_OF_TWO, ids=lambda moment: moment.name)
def test_of_two_containers_at_once_one_is_killed(  # noqa: PLR0913, PLR0917 - fixtures
    moment: Moment,
    start: StartContainer,
    other: LambdaContainer,
    aws: Emulator,
    event: dict[str, Any],
    reference: dict[str, bytes],
    queue: str,
) -> None:
    """Its registration stays until its next attempt, because nobody else knows that it is dead."""
    with held_at(moment, start, aws, event, FIRST, **VARIABLES) as held:
        assert status(other.invoke(event, SECOND)) in {"done", "repeated"}
        check_result(aws, reference)
        held.kill()
    before = visible(aws)
    aws.let_a_minute_pass(BUCKET)
    # Done, if the killed one had decided: nobody has sent the notification yet.
    assert status(other.invoke(event, FIRST)) in {"done", "repeated"}
    assert visible(aws) == before
    check_nobody_is_registered(aws)
    check_told(aws, queue)


@pytest.mark.parametrize("moment", OF_ONE_OF_TWO, ids=lambda moment: moment.name)
def test_of_two_containers_at_once_one_goes_on_after_the_other_has_finished(
    moment: Moment,
    start: StartContainer,
    other: LambdaContainer,
    aws: Emulator,
    event: dict[str, Any],
) -> None:
    with held_at(moment, start, aws, event, FIRST, **VARIABLES) as held:
        assert status(other.invoke(event, SECOND)) in {"done", "repeated"}
        before = visible(aws)
        assert status(held.go_on()) in {"done", "repeated"}
    assert visible(aws) == before
    check_nobody_is_registered(aws)


def test_a_container_is_killed_while_it_writes_and_another_one_copies(
    start: StartContainer,
    other: LambdaContainer,
    aws: Emulator,
    event: dict[str, Any],
    reference: dict[str, bytes],
) -> None:
    """The killed one has written `logs.csv`, which holds times, but not its manifest."""
    begins = Moment("after the first picture", "PUT", f"{_FILES}.*jpg")
    writes = Moment("after logs.csv", "PUT", f"{_FILES}.*/logs.csv")
    copies = Moment("before the first copy", "COPY", is_after=False)
    with (
        held_at(begins, start, aws, event, FIRST, **VARIABLES) as writing,
        held_at(copies, start, aws, event, SECOND, **VARIABLES) as copying,
    ):
        writing.go_on_until(writes)
        writing.kill()
        assert visible(aws) == {}
        assert status(copying.go_on()) == "done"
    check_result(aws, reference)
    aws.let_a_minute_pass(BUCKET)
    assert status(other.invoke(event, FIRST)) == "repeated"
    check_result(aws, reference)
    check_nobody_is_registered(aws)


def reject_after_two_kills(
    start: StartContainer, other: LambdaContainer, aws: Emulator, event: dict[str, Any]
) -> None:
    """Kill two attempts; the third one rejects the video."""
    moment = Moment("after the first picture", "PUT", f"{_FILES}.*jpg")
    for _ in range(2):
        with held_at(moment, start, aws, event, FIRST, **VARIABLES) as held:
            held.kill()
        assert visible(aws) == {}
        aws.let_a_minute_pass(BUCKET)
    assert status(other.invoke(event, FIRST)) == "rejected"


def test_a_video_whose_attempts_are_killed_twice_is_rejected(
    start: StartContainer, other: LambdaContainer, aws: Emulator, event: dict[str, Any]
) -> None:
    reject_after_two_kills(start, other, aws, event)
    ((key, data),) = visible(aws).items()
    assert (key.rpartition("/")[2], json.loads(data)["reason"]) == ("rejection.json", "crashed")
    check_nobody_is_registered(aws)
    assert status(other.invoke(event, SECOND)) == "repeated"


def test_a_larger_function_replaces_the_rejection_of_a_video_that_was_killed(
    start: StartContainer,
    other: LambdaContainer,
    aws: Emulator,
    event: dict[str, Any],
    reference: dict[str, bytes],
) -> None:
    reject_after_two_kills(start, other, aws, event)
    larger = start(template.default_of("MemoryMegabytes") + 512, **VARIABLES)
    assert status(larger.invoke(event, SECOND)) == "done"
    check_result(aws, reference)
    check_nobody_is_registered(aws)
