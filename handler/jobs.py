"""What an event asks for: objects to process, records to skip, records that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from pipeline.digest import sha256_of_json
from pipeline.errors import BrokenError
from pipeline.storage.s3.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Job:
    """One object to process.

    Attributes:
        bucket, key: the object; the key is decoded, as it is in S3.
        version_id: its version in a versioned bucket; None elsewhere.
        etag: its ETag when the event was sent, without quotes; None if the event has none.
        sequencer: orders the events of one key; None if the event has none.
        submission: id of the submission by `pretag submit`; None if S3 sent the event.
        config: configuration from the event, which overrides all other layers.
        output: `s3://bucket/prefix` for the result; None: the function's own.
        named: whether a person named this object. It is then processed whatever its suffix.
        failed_execution: name of the execution that worked on it and failed; None if none did.
    """

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    sequencer: str | None = None
    submission: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    named: bool = False
    failed_execution: str | None = None

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def correlation_id(self) -> str:
        """32 hex digits that are the same in all attempts at this job: the upload's id, if any."""
        if self.upload is not None:
            return self.upload.id
        asked = [self.bucket, self.key, self.version_id, dict(self.config), self.output]
        return sha256_of_json(asked)[:32]

    @property
    def what(self) -> str:
        """The job's name in logs: the URI."""
        return self.uri

    def event(self) -> dict[str, Any]:
        """Return an event of which `events.jobs_in` makes this job."""
        if self.named:
            given = {"config": dict(self.config), "output": self.output}
            return {"video": self.uri, **{name: value for name, value in given.items() if value}}
        facts = {
            "key": quote_plus(self.key, safe="/"),
            "versionId": self.version_id,
            "eTag": self.etag,
            "sequencer": self.sequencer,
        }
        record = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": self.bucket},
                "object": {name: value for name, value in facts.items() if value is not None},
            },
        }
        if self.submission is not None:
            record["submission"] = self.submission
        return {"Records": [record]}

    @property
    def upload(self) -> Upload | None:
        """The upload that the event tells of; None if a person named the object."""
        if self.named:
            return None
        return Upload(
            self.bucket, self.key, self.version_id, self.etag, self.sequencer, self.submission
        )


@dataclass(frozen=True)
class Skip:
    """A record with nothing to process, and the reason."""

    what: str
    why: str

    def summary(self) -> dict[str, str]:
        """Return the record's entry in the summary."""
        return {"skipped": self.what, "reason": self.why}


@dataclass(frozen=True)
class Unreadable:
    """A record that says no clear thing, and the fault. The other records are worked on first.

    Attributes:
        what: which record.
        why: sentences: the fault, and what to do.
    """

    what: str
    why: str

    def error(self) -> BrokenError:
        """Return the error that ends the event."""
        return BrokenError(f"The {self.what} cannot be read. {self.why}")


Item = Job | Skip | Unreadable
