"""The outcome of one video: done, rejected or repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from pipeline.drift.drift import drift_json

if TYPE_CHECKING:
    from pipeline.runlog import RunLog
    from pipeline.storage.result_store import PublishedResult


@dataclass(frozen=True)
class Outcome:
    """How the run of one video ended.

    Attributes:
        video: the video's path or URI.
        status: `done`, `rejected`, or `repeated`: another attempt had ended this run already.
        result: folder or S3 prefix of the manifest or the rejection.
        reason, message: why the video was rejected, as a code and as a sentence; None if it was
            not.
        log: counts and times of this attempt.
    """

    video: str
    status: Literal["done", "rejected", "repeated"]
    result: str
    reason: str | None
    message: str | None
    log: RunLog

    @classmethod
    def published(cls, video: str, log: RunLog, result: PublishedResult) -> Self:
        """Return the outcome of a video whose dataset or rejection is visible."""
        content = result.ending.content
        status: Literal["done", "rejected"] = "rejected" if result.ending.is_rejection else "done"
        return cls(
            video=video,
            status="repeated" if result.is_repeated else status,
            result=result.location,
            reason=content.get("reason"),
            message=content.get("message"),
            log=log,
        )

    @property
    def is_rejected(self) -> bool:
        """Whether the video was rejected, in this attempt or in an earlier one."""
        return self.reason is not None

    def summary(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "video": self.video,
            "status": self.status,
            "result": self.result,
            "reason": self.reason,
            "message": self.message,
            "warnings": list(self.log.warnings),
            "counts": self.log.counts(),
            "seconds": round(self.log.total_seconds, 3),
            **({} if self.log.dollars is None else {"dollars": self.log.dollars}),
            **({} if self.log.drift is None else {"drift": drift_json(self.log.drift)}),
        }
