"""The outcome of one video: done or rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from pipeline.errors import RejectedError
    from pipeline.runlog import RunLog


@dataclass(frozen=True)
class Outcome:
    """How the run of one video ended.

    Attributes:
        video: the video's path or URI.
        status: `done` or `rejected`.
        result: folder or S3 prefix of the manifest or the rejection; None if nothing was written.
        reason, message: why the video was rejected, as a code and as a sentence; None if done.
        log: counts and times.
    """

    video: str
    status: Literal["done", "rejected"]
    result: str | None
    reason: str | None
    message: str | None
    log: RunLog

    @classmethod
    def done(cls, video: str, log: RunLog, result: str) -> Self:
        """Return the outcome of a video whose dataset was written."""
        return cls(video, "done", result, None, None, log)

    @classmethod
    def rejected(
        cls, video: str, error: RejectedError, log: RunLog, result: str | None = None
    ) -> Self:
        """Return the outcome of a rejected video."""
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
