"""The attempts at a run: each registers before it works, so that a later one knows of it.

An attempt that ends in good order removes its registration. One that is left belongs to an attempt
that still works, or that died: it crashed, ran out of memory, or timed out.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from pipeline.digest import sha256_of_json
from pipeline.resources.capacity import Capacity
from pipeline.storage.result_store import MANIFEST, json_bytes
from pipeline.storage.s3.decision import read_decision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.storage.s3.bucket import Bucket
    from pipeline.storage.s3.decision import Decision

WORK_PREFIX = "pretag-work/"
RUNS_PREFIX = f"{WORK_PREFIX}runs/"
FILES_PREFIX = f"{WORK_PREFIX}files/"
UPLOADS_PREFIX = f"{WORK_PREFIX}uploads/"
CLOCK_SECONDS = 60.0
"""By how much the clocks of two machines may differ."""

# Two deliveries of an event at once begin within a few seconds.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
_RETRY_SECONDS = 30.0


@dataclass(frozen=True)
class Attempt:
    """One attempt of one Lambda invocation at one run.

    Attributes:
        id: a random name.
        request_id: that of the invocation. Lambda keeps it when it tries an event again.
        started: when the invocation began, in seconds since 1970.
        deadline: when the invocation is ended at the latest, in seconds since 1970.
        capacity: of the function.
        seen: id of the attempt that had decided the run before this one registered; None if nobody
            had. This attempt publishes that decision or a later one.
        has_failed: whether it ended with an error, after it may have decided.
        video: `s3://bucket/key` of the video, for `pretag forget`; None if it is not known.
    """

    id: str
    request_id: str
    started: float
    deadline: float
    capacity: Capacity
    seen: str | None = None
    has_failed: bool = False
    video: str | None = None

    def has_ended(self, by: Attempt, now: float) -> bool:
        """Tell whether this attempt has ended, as another attempt sees it.

        Args:
            by: the other attempt. If it has the same request id and began later, Lambda tries the
                event again, a minute after the end of the first invocation at the earliest. If
                both began at once, Lambda delivered the event twice.
            now: the time, in seconds since 1970.
        """
        is_same = self.request_id == by.request_id
        is_retried = is_same and by.started > self.started + _RETRY_SECONDS
        return is_retried or self.is_over(now)

    def is_over(self, now: float) -> bool:
        """Tell whether this attempt has ended, as anybody sees it.

        Args:
            now: the time, in seconds since 1970.
        """
        return self.has_failed or now > self.deadline + CLOCK_SECONDS

    def has_died(self, by: Attempt, now: float) -> bool:
        """Return whether this attempt ended without an error: a crash, no memory, a time-out."""
        return self.has_ended(by, now) and not self.has_failed

    def data(self) -> bytes:
        """Return the registration as JSON."""
        return json_bytes(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Attempt:
        """Return the attempt of a registration."""
        value = json.loads(data)
        return cls(**{**value, "capacity": Capacity(**value["capacity"])})


def count_deaths(died: Iterable[Attempt]) -> int:
    """Count the attempts that died. Those of an event that Lambda delivered twice count once."""
    counted: list[Attempt] = []
    for attempt in sorted(died, key=lambda attempt: attempt.started):
        twins = (other for other in counted if other.request_id == attempt.request_id)
        if all(attempt.started > twin.started + _RETRY_SECONDS for twin in twins):
            counted.append(attempt)
    return len(counted)


def work_id(folder: str) -> str:
    """Return the name of a run below `pretag-work/runs/` and `pretag-work/files/`: 32 hex digits.

    Args:
        folder: key prefix of the run's visible folder, without a slash at the end.
    """
    return sha256_of_json(folder)[:32]


class Workspace:
    """The objects of one run below `pretag-work/`: registrations, files and the decision.

    A lifecycle rule removes what is left there.
    """

    def __init__(self, bucket: Bucket, folder: str) -> None:
        """Create the workspace; nothing is requested.

        Args:
            bucket: the bucket for results.
            folder: key prefix of the run's visible folder, without a slash at the end.
        """
        self._bucket = bucket
        name = work_id(folder)
        self._attempts = f"{RUNS_PREFIX}{name}/attempts/"
        self._files = f"{FILES_PREFIX}{name}/"
        self.decision_key = f"{RUNS_PREFIX}{name}/decision.json"
        self._plan_key = f"{RUNS_PREFIX}{name}/plan.json"

    def register(self, attempt: Attempt) -> None:
        """Write the attempt's registration, with the decision that there is already."""
        decision = self.decision()
        seen = None if decision is None else decision.attempt
        self._bucket.put(self._registration(attempt.id), replace(attempt, seen=seen).data())

    def register_failure(self, attempt: Attempt) -> None:
        """Write into the attempt's registration that it ended with an error."""
        self._bucket.put(self._registration(attempt.id), replace(attempt, has_failed=True).data())

    def decision(self) -> Decision | None:
        """Return the decision of the run; None if there is none."""
        return read_decision(self._bucket, self.decision_key)

    def is_divided(self) -> bool:
        """Tell whether the run has a plan: its shards are worked on by others."""
        return self._bucket.exists(self._plan_key)

    def others(self, attempt: Attempt) -> list[Attempt]:
        """Return the registered attempts but this one."""
        own = self._registration(attempt.id)
        return self._read([key for key in self._bucket.keys(self._attempts) if key != own])

    def registered(self) -> list[Attempt]:
        """Return all registered attempts."""
        return self._read(self._bucket.keys(self._attempts))

    def is_idle(self) -> bool:
        """Tell whether no attempt is registered."""
        return not self._bucket.keys(self._attempts)

    def file_key(self, attempt_id: str, path: str) -> str:
        """Return the key of a file that an attempt writes."""
        return f"{self._files}{attempt_id}/{path}"

    def remove_files(self, attempt_id: str) -> None:
        """Remove the files of an attempt."""
        self._bucket.delete(self._bucket.keys(self.file_key(attempt_id, "")))

    def remove_undecided_files(self, attempt_ids: Iterable[str]) -> None:
        """Remove the files of attempts that ended before a decision: they have no manifest.

        Other files stay, because the decision of an upload may name them.
        """
        for name in attempt_ids:
            if not self._bucket.exists(self.file_key(name, MANIFEST)):
                self.remove_files(name)

    def unregister(self, attempt_ids: Iterable[str]) -> None:
        """Remove the registrations of attempts, one after the other, in the given order."""
        for name in attempt_ids:
            self._bucket.delete([self._registration(name)])

    def _read(self, keys: Iterable[str]) -> list[Attempt]:
        registrations = [self._bucket.get(key) for key in keys]
        return [Attempt.from_json(found.data) for found in registrations if found is not None]

    def _registration(self, attempt_id: str) -> str:
        return f"{self._attempts}{attempt_id}.json"
