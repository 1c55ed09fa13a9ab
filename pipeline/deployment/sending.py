"""Send the videos of a submission, one after the other, and note each in the state file."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pipeline.deployment.existing_videos import event_of, existing_videos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.deployment.function import Function
    from pipeline.deployment.pace import SendingPace
    from pipeline.deployment.submission import Submission
    from pipeline.storage.s3.versions import ObjectVersion, VersionedBucket


class Sender:
    """Sends the videos below a prefix to a function.

    Attributes:
        submission: how far it is.
    """

    def __init__(
        self,
        bucket: VersionedBucket,
        prefix: str,
        function: Function,
        submission: Submission,
        state_file: Path,
    ) -> None:
        """Create a sender; nothing is requested.

        Args:
            bucket: the bucket of the videos.
            prefix: the beginning of their keys.
            function: the function that gets the events.
            submission: how far the submission is.
            state_file: where that is written.
        """
        self.submission = submission
        self._bucket = bucket
        self._prefix = prefix
        self._function = function
        self._state_file = state_file

    def next_videos(self, limit: int) -> Iterator[ObjectVersion]:
        """Yield the videos that come next, at most `limit`."""
        return islice(self._videos(), limit)

    def send(self, limit: int, pace: SendingPace, work_seconds_of: Callable[[int], float]) -> None:
        """Send the videos that come next.

        A video is noted after it was sent. So if the process dies in between, it is sent once more,
        and counts as `repeated`.

        Args:
            limit: the largest number of videos.
            pace: when to send.
            work_seconds_of: estimates the seconds of work for a video of so many bytes.

        Raises:
            BrokenError, RetryableError: S3 or Lambda refuses or fails, or the state file cannot be
                written. What was sent is noted.
        """
        videos = self._videos()
        for video in islice(videos, limit):
            pace.wait(work_seconds_of(video.size_bytes))
            self._function.send(event_of(self._bucket.name, video, self.submission.id))
            self._note(self.submission.with_sent(video.key))
        if next(videos, None) is None:
            self._note(self.submission.completed())

    def _videos(self) -> Iterator[ObjectVersion]:
        return existing_videos(
            self._bucket, self._prefix, self._function.suffixes, self.submission.last_key
        )

    def _note(self, submission: Submission) -> None:
        self.submission = submission
        submission.write(self._state_file)
