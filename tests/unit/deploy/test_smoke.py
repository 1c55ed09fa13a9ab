"""The checks of a deployed stack, with a stack that stands in for one.

tests/e2e/test_deployment.py runs `make smoke` against a stack in the emulator.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from deploy.smoke import __main__ as command
from deploy.smoke.checks import FOLDER, Patience, SmokeError
from deploy.smoke.deployed import Deployed
from tests.e2e.template import ROOT
from tests.support import clips

KNOWN: dict[str, Any] = json.loads((ROOT / "samples" / "pedestrians.json").read_bytes())
CLIP, TEXT = "pedestrians.mp4", "notes.mp4"


class Stack(Deployed):
    """A stack in memory whose function works at once; tests change what it does."""

    def __init__(self) -> None:
        super().__init__(
            {"Version": "3", "InputBucket": "videos"},
            {"InputPrefix": "incoming/", "KnownResult": ""},
        )
        self.live = "3"
        self.failures = 0
        self.coco = copy.deepcopy(KNOWN)
        self.reason = "not_a_video"
        self.uploads: dict[str, bytes] = {}
        self.all_uploads: list[str] = []
        self.files: dict[str, Any] = {}
        self.counted = {CLIP: {"VideosProcessed": [1]}, TEXT: {"VideosRejected": [1]}}
        self.after_upload: Callable[[], None] = lambda: None

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def live_version(self) -> str:
        return self.live

    def upload(self, key: str, data: bytes) -> None:
        self.uploads[key] = data
        self.all_uploads.append(key)
        if data == clips.SAMPLE.read_bytes():
            self.files[f"{key}/latest.json"] = {"run_id": "run"}
            self.files[f"{key}/run/manifest.json"] = {}
            self.files[f"{key}/run/annotations/instances_default.json"] = self.coco
        else:
            self.files[f"{key}/run/rejection.json"] = {"reason": self.reason}
        self.after_upload()

    def results(self, key: str) -> dict[str, str]:
        prefix = f"{key}/"
        return {f.removeprefix(prefix): f for f in self.files if f.startswith(prefix)}

    def read_json(self, key: str) -> Any:  # noqa: ANN401 - any JSON
        return self.files[key]

    def metrics(self, key: str) -> list[dict[str, Any]]:
        return [self.counted[key.rpartition("/")[2]]]

    def count_failures(self) -> int:
        return self.failures

    def remove(self, key: str) -> None:
        self.uploads.pop(key, None)
        for file in self.results(key).values():
            del self.files[file]


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def patience() -> Patience:
    """Return a patience of ten seconds that pass without waiting."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Patience(10, clock=lambda: now[0], sleep=sleep)


def test_a_stack_that_works_passes_and_nothing_is_left(
    stack: Stack, patience: Patience, capsys: pytest.CaptureFixture[str]
) -> None:
    command.smoke(stack, patience)
    assert capsys.readouterr().out.count("ok: ") == 6
    assert (stack.uploads, stack.files) == ({}, {})


def test_uploads_have_fresh_keys_below_the_input_prefix(stack: Stack, patience: Patience) -> None:
    command.smoke(stack, patience)
    command.smoke(stack, patience)
    assert len(set(stack.all_uploads)) == 4
    assert all(key.startswith(f"incoming/{FOLDER}") for key in stack.all_uploads)


def no_result(stack: Stack) -> None:
    stack.after_upload = stack.files.clear


def no_manifest(stack: Stack) -> None:
    def remove() -> None:
        for key in [key for key in stack.files if key.endswith("manifest.json")]:
            del stack.files[key]

    stack.after_upload = remove


def wrong_boxes(stack: Stack) -> None:
    for annotation in stack.coco["annotations"]:
        annotation["bbox"][0] += 0.1


def other_reason(stack: Stack) -> None:
    stack.reason = "crashed"


def no_metric(stack: Stack) -> None:
    stack.counted[TEXT] = {"VideosRejected": [0]}


def a_failure(stack: Stack) -> None:
    def fail() -> None:
        stack.failures += 1

    stack.after_upload = fail


def old_version(stack: Stack) -> None:
    stack.live = "2"


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (no_result, "there is no result of"),
        (no_manifest, "has no manifest.json"),
        (wrong_boxes, "differs from the known one"),
        (other_reason, "is rejected as crashed"),
        (no_metric, "there is no metric VideosRejected"),
        (a_failure, "The failure queue has 4 events, and had 2 before"),
        (old_version, "Events go to version 2, and the newest one is 3"),
    ],
)
def test_a_planted_fault_fails_the_test_and_nothing_is_left(
    stack: Stack, patience: Patience, plant: Callable[[Stack], None], words: str
) -> None:
    stack.failures = 2  # those of a fault that is repaired do not count
    plant(stack)
    with pytest.raises(SmokeError, match=words):
        command.smoke(stack, patience)
    assert (stack.uploads, stack.files) == ({}, {})


def test_a_result_that_comes_late_is_waited_for(patience: Patience) -> None:
    answers = iter([None, None, "result"])
    assert patience.wait_for(lambda: next(answers), "result") == "result"


def test_a_result_that_does_not_come_ends_with_where_to_look(patience: Patience) -> None:
    with pytest.raises(SmokeError, match="After 10 seconds there is no result of x"):
        patience.wait_for(lambda: None, "result of x")


def test_a_stack_that_cannot_be_reached_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # a port without a server
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert command.main(["pretag-dev"]) == 1
    assert capsys.readouterr().err.startswith("FAILED: Could not connect")


def test_a_stack_of_another_template_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Deployed, "named", lambda _name: Deployed({}, {}))
    assert command.main(["other"]) == 1
    assert "the stack other has no output or parameter" in capsys.readouterr().err
