"""A run hands itself over before it works, or when it proves too long."""

from pathlib import Path

import pytest

from pipeline.config.schema import Config
from pipeline.detection.detector import Detector
from pipeline.errors import CapacityError, HandedOverError
from pipeline.resources.budget import Budget
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from pipeline.run import annotate
from pipeline.storage.local import FolderStore, LocalVideo
from tests.support import clips
from tests.support.runs import default_model


class Others:
    """Take the run over when they are told to."""

    def __init__(self, *, before: bool = False, late: bool = False) -> None:
        self.before, self.late = before, late

    def before_work(self) -> None:
        if self.before:
            raise HandedOverError("It is long.", "run-1", 3)

    def out_of_time(self, error: CapacityError) -> CapacityError:
        if self.late:
            raise HandedOverError(str(error), "run-1", 3)
        return CapacityError(error.reason, f"{error} It cannot be divided.")


def run(out: Path, others: Others, seconds: float) -> str | None:
    """Annotate the sample in so many seconds; return the message of its rejection."""
    config = Config()
    outcome = annotate(
        LocalVideo.at(clips.SAMPLE),
        config,
        Detector(default_model(), config.detector),
        lambda run_id: FolderStore(out, "sample.mp4", run_id),
        cpus=1,
        budget=Budget(Deadline.after(seconds), Capacity(1024, 900)),
        hand_over=others,
    )
    return outcome.message


def test_a_run_is_handed_over_before_it_works(tmp_path: Path) -> None:
    with pytest.raises(HandedOverError):
        run(tmp_path, Others(before=True), seconds=900)
    assert not list(tmp_path.rglob("*.*"))


def test_a_run_that_proves_too_long_is_handed_over(tmp_path: Path) -> None:
    with pytest.raises(HandedOverError, match="takes longer than the function may run"):
        run(tmp_path, Others(late=True), seconds=0)
    assert not list(tmp_path.rglob("*.*"))


def test_its_rejection_says_why_it_cannot_be_divided(tmp_path: Path) -> None:
    message = run(tmp_path, Others(), seconds=0)
    assert message is not None
    assert message.endswith("It cannot be divided.")
