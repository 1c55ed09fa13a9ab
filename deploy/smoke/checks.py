"""What must be true of a deployed stack. Each check raises a SmokeError that says what is not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from deploy.functions.check.comparison import differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.smoke.deployed import Deployed

FOLDER = "pretag-smoke/"
"""Where the uploads of the test lie, below the input prefix."""

_COCO = "annotations/instances_default.json"
_PAUSE_SECONDS = 1.0
_MOST_TOLD = 5

T = TypeVar("T")


class SmokeError(Exception):
    """The stack does not work. The message says what it does instead, and where to look."""


@dataclass(frozen=True)
class Patience:
    """Waits for what a deployed function does.

    Attributes:
        seconds: how long, at most.
        clock: returns seconds.
        sleep: waits for a number of seconds.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait_for(self, read: Callable[[], T | None], what: str) -> T:
        """Call a function until its result is true, and return the result.

        Args:
            read: the function.
            what: what is awaited, for the message.

        Raises:
            SmokeError: no result was true in time.
        """
        end = self.clock() + self.seconds
        while not (result := read()):
            if self.clock() >= end:
                raise SmokeError(
                    f"After {self.seconds:g} seconds there is no {what}. Look at the failure queue "
                    'and at the last "Video failed" of the log group.'
                )
            self.sleep(_PAUSE_SECONDS)
        return result


def check_version(deployed: Deployed) -> str:
    """Check that events go to the newest version; return its number.

    Raises:
        SmokeError: they go to another one.
    """
    newest, live = deployed.outputs["Version"], deployed.live_version
    if live != newest:
        raise SmokeError(
            f"Events go to version {live}, and the newest one is {newest}. The deployment was "
            "rolled back, or a person moved the alias: see docs/operations.md, Roll back."
        )
    return live


def check_dataset(deployed: Deployed, key: str, known: Any, patience: Patience) -> str:  # noqa: ANN401 - JSON
    """Check that an upload of the sample clip gets its known result; return the run id.

    Args:
        deployed: the stack.
        key: key of the upload.
        known: the known COCO file.
        patience: how long to wait.

    Raises:
        SmokeError: there is no result, or another one.
    """
    latest = patience.wait_for(lambda: deployed.results(key).get("latest.json"), f"result of {key}")
    run = str(deployed.read_json(latest)["run_id"])
    files = deployed.results(key)
    missing = [name for name in ("manifest.json", _COCO) if f"{run}/{name}" not in files]
    if missing:
        raise SmokeError(f"The result of {key} has no {' and no '.join(missing)}.")
    found = differences(known, deployed.read_json(files[f"{run}/{_COCO}"]))
    if found:
        first = " ".join(found[:_MOST_TOLD])
        raise SmokeError(
            f"The result of {key} differs from the known one in {len(found)} objects or more: "
            f"{first} If the deployed configuration changes what is detected, name the result that "
            "it must have with the parameter KnownResult."
        )
    return run


def check_rejection(deployed: Deployed, key: str, patience: Patience) -> None:
    """Check that an upload that is not a video is rejected as such.

    Raises:
        SmokeError: it is not, or for another reason.
    """

    def rejection() -> str | None:
        files = deployed.results(key)
        return next((files[path] for path in files if path.endswith("/rejection.json")), None)

    found = patience.wait_for(rejection, f"rejection of {key}")
    reason = deployed.read_json(found)["reason"]
    if reason != "not_a_video":
        raise SmokeError(f"{key} is rejected as {reason}, and must be as not_a_video.")


def check_metric(deployed: Deployed, key: str, name: str, patience: Patience) -> None:
    """Check that the function emitted a metric with the value 1 for an upload.

    Raises:
        SmokeError: it did not.
    """

    def is_emitted() -> bool:
        return any(blob.get(name) in (1, [1]) for blob in deployed.metrics(key))

    patience.wait_for(is_emitted, f"metric {name} of {key} in the log")


def check_failures(deployed: Deployed, before: int) -> None:
    """Check that no event came into the failure queue.

    Args:
        deployed: the stack.
        before: how many were in it before the test: those of a fault that is repaired now.

    Raises:
        SmokeError: one came.
    """
    now = deployed.count_failures()
    if now > before:
        raise SmokeError(
            f"The failure queue has {now} events, and had {before} before the test. Read them: "
            "docs/operations.md, Redrive."
        )
