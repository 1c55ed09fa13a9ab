"""How a video ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from pipeline.errors import RejectedError
    from pipeline.runlog import RunLog


@dataclass(frozen=True)
class Outcome:
    """A video's end, for whoever asked for it.

    Attributes:
        video: what a person calls it.
        status: `done` or `rejected`.
        result: where its manifest or its rejection is; None if there is no place for it.
        reason, message: why it was rejected, as a word and as a sentence; None if it was not.
        log: counts and timings.
    """

    video: str
    status: Literal["done", "rejected"]
    result: str | None
    reason: str | None
    message: str | None
    log: RunLog

    @classmethod
    def done(cls, video: str, log: RunLog, result: str) -> Self:
        """Return the outcome of a video whose dataset is there."""
        return cls(video, "done", result, None, None, log)

    @classmethod
    def rejected(
        cls, video: str, error: RejectedError, log: RunLog, result: str | None = None
    ) -> Self:
        """Return the outcome of a video that was rejected."""
        return cls(video, "rejected", result, error.reason, str(error), log)

    def summary(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "video": self.video,
            "status": self.status,
            "result": self.result,
            "reason": self.reason,
            "message": self.message,
            "counts": self.log.counts(),
            "seconds": round(self.log.total_seconds, 3),
        }
