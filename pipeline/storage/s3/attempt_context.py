"""What one attempt has: the bucket, its upload, its registrations; and what is decided already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.storage.result_store import PublishedResult
from pipeline.storage.s3.attempts import UPLOADS_PREFIX, Workspace
from pipeline.storage.s3.decision import Decision, read_decision
from pipeline.storage.s3.run_folder import RunFolder

if TYPE_CHECKING:
    from pipeline.storage.result_store import Ending
    from pipeline.storage.s3.attempts import Attempt
    from pipeline.storage.s3.bucket import Bucket
    from pipeline.storage.s3.upload import Upload

Notify = Callable[[PublishedResult], None]
"""Sends the notification of a published result."""


@dataclass(frozen=True)
class AttemptContext:
    """What an attempt needs to decide and to publish.

    Attributes:
        bucket: the bucket for results.
        attempt: the attempt.
        upload: the upload that is processed; None if a person named the object. Then neither
            a decision of the upload nor `latest.json` is written.
        is_current: tells whether the object is still the current version of its key. Called only
            for an upload without a sequencer.
        notify: called after a result became visible.
        correlation_id: the same in all attempts at this upload; written into the ending.
        folders: visible folders of the runs at which this attempt is registered.
    """

    bucket: Bucket
    attempt: Attempt
    upload: Upload | None
    is_current: Callable[[], bool]
    notify: Notify
    correlation_id: str
    folders: set[str] = field(default_factory=set)

    def workspace(self, folder: str) -> Workspace:
        """Return the workspace of a run."""
        return Workspace(self.bucket, folder)

    def register(self, folder: str) -> None:
        """Register at a run."""
        self.folders.add(folder)  # first, because the answer to the request may be lost
        self.workspace(folder).register(self.attempt)

    def withdraw(self) -> None:
        """Remove the files and the registrations of this attempt."""
        for folder in self.folders:
            self.workspace(folder).remove_files(self.attempt.id)
            self.workspace(folder).unregister([self.attempt.id])
        self.folders.clear()

    def register_failure(self) -> None:
        """Write into all registrations that this attempt ended with an error."""
        for folder in self.folders:
            self.workspace(folder).register_failure(self.attempt)

    @property
    def upload_key(self) -> str | None:
        """The object with the upload's decision; None without an upload."""
        return None if self.upload is None else f"{UPLOADS_PREFIX}{self.upload.id}.json"

    def upload_decision(self) -> Decision | None:
        """Return the upload's decision; None if there is none."""
        return None if self.upload_key is None else read_decision(self.bucket, self.upload_key)

    def holds(self, decision: Decision) -> bool:
        """Tell whether a decision holds: for this capacity, and if nobody deleted its result.

        The deciding attempt stays registered until its result is visible. So a result that is not
        visible although no attempt is registered was deleted by a person.
        """
        if not decision.folder:  # superseded
            return True
        if not decision.holds_for(self.attempt.capacity):
            return False
        return (
            bool(self.workspace(decision.folder).others(self.attempt))
            or RunFolder(self.bucket, decision.folder).ending() is not None
        )


def settled_result(context: AttemptContext, folder: str | None) -> PublishedResult | None:
    """Return the result if it is complete and nothing is left to do for it. Writes nothing.

    Args:
        context: the attempt.
        folder: the run's visible folder; None: the one that the upload's decision names.
    """
    ending = None
    if context.upload is not None:
        decision = context.upload_decision()
        if decision is None:
            return None
        folder, ending = decision.folder, decision.ending
    if not folder or not context.workspace(folder).is_idle():
        return None
    visible = RunFolder(context.bucket, folder)
    found = visible.ending()
    if found is None or not decision_of(found, folder).holds_for(context.attempt.capacity):
        return None
    if ending not in {None, decision_of(found, folder).ending}:  # replaced by a direct event
        return None
    return PublishedResult(visible.location, found, is_repeated=True)


def decision_of(ending: Ending, folder: str) -> Decision:
    """Return the decision that led to a visible result, for when its object has expired."""
    video = ending.video_uri
    if ending.is_rejection:
        return Decision("rejected", folder, attempt="", rejection=ending.content, video=video)
    return Decision("done", folder, attempt="", video=video)
