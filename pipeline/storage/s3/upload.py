"""One upload: an object that was put into a bucket, as its event describes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pipeline.digest import sha256_of_json


@dataclass(frozen=True)
class Upload:
    """An upload. All events of one upload have the same values.

    Attributes:
        bucket, key: the object.
        version_id: its version in a versioned bucket; None elsewhere.
        etag: its ETag without quotes; None if the event has none.
        sequencer: orders the uploads of one key; a hexadecimal number. None if the event has none.
        submission: id of the submission that sent the event. The same object counts as another
            upload in each submission, so that a changed model gives it another result. None if S3
            sent it.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str | None
    sequencer: str | None
    submission: str | None = None

    @property
    def id(self) -> str:
        """The upload's id: 32 hex digits."""
        return sha256_of_json(asdict(self))[:32]
