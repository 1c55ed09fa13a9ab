"""The decision how an upload or a run ends. The first writer decides; all others read it.

S3 creates an object only if there is none (`If-None-Match: *`), so exactly one attempt decides.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline.resources.capacity import Capacity
from pipeline.storage.result_store import json_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.storage.s3.bucket import Bucket


@dataclass(frozen=True)
class ReplacedRejection:
    """A rejection for lack of capacity that a larger function replaces.

    Attributes:
        folder: key prefix of its visible folder.
        capacity: the largest capacity for which it holds. Only attempts within it publish it.
    """

    folder: str
    capacity: Capacity


@dataclass(frozen=True)
class Decision:
    """How an upload or a run ends.

    Attributes:
        ending: `superseded` is the end of an upload whose object was gone; it has no result.
        folder: key prefix of the run's visible folder; empty if superseded.
        attempt: id of the attempt that decided, and whose files are the result.
        rejection: content of `rejection.json`; None if not rejected.
        replaced: earlier rejections that this decision replaces.
        video: `s3://bucket/key` of the video, for `pretag forget`; None if superseded.
        is_divided: whether shards wrote images into the visible folder. Then those that the
            attempt does not have itself are already where they stay, and all others are removed.
    """

    ending: Literal["done", "rejected", "superseded"]
    folder: str
    attempt: str
    rejection: Mapping[str, Any] | None = None
    replaced: tuple[ReplacedRejection, ...] = ()
    video: str | None = None
    is_divided: bool = False

    @property
    def capacity(self) -> Capacity | None:
        """The capacity that was too small; None if the decision holds for any function."""
        capacity = (self.rejection or {}).get("capacity")
        return None if capacity is None else Capacity.from_json(capacity)

    def holds_for(self, capacity: Capacity) -> bool:
        """Tell whether the decision holds for a function of this capacity."""
        return self.capacity is None or self.capacity.covers(capacity)

    def replacing(self, earlier: Decision) -> Decision:
        """Return this decision as the replacement of an earlier one."""
        if earlier.capacity is None:
            return replace(self, replaced=earlier.replaced)
        rejection = ReplacedRejection(earlier.folder, earlier.capacity)
        return replace(self, replaced=(*earlier.replaced, rejection))

    def data(self) -> bytes:
        """Return the decision as JSON, which earlier versions read unless the run is divided."""
        value = asdict(self)
        if not self.is_divided:
            del value["is_divided"]
        return json_bytes(value)

    @classmethod
    def from_json(cls, data: bytes) -> Decision:
        """Return the decision that `data` wrote."""
        value = json.loads(data)
        replaced = tuple(
            ReplacedRejection(entry["folder"], Capacity(**entry["capacity"]))
            for entry in value["replaced"]
        )
        return cls(**{**value, "replaced": replaced})


def read_decision(bucket: Bucket, key: str) -> Decision | None:
    """Return the decision in an object; None if there is none yet."""
    found = bucket.get(key)
    return None if found is None else Decision.from_json(found.data)


def decide(
    bucket: Bucket, key: str, decision: Decision, holds: Callable[[Decision], bool]
) -> Decision:
    """Make a decision, unless there is one that holds.

    Args:
        bucket: the bucket for results.
        key: the object that holds the decision.
        decision: what this attempt decides.
        holds: tells whether an earlier decision holds. If not, it is replaced.

    Returns:
        The decision that is now in the object: this one or an earlier one.
    """
    while not bucket.create(key, decision.data()):
        found = bucket.get(key)
        if found is None:  # removed in the meantime
            continue
        earlier = Decision.from_json(found.data)
        # S3 may have carried out the request although its answer was lost.
        if earlier.attempt == decision.attempt or holds(earlier):
            return earlier
        replacement = decision.replacing(earlier)
        if bucket.replace(key, replacement.data(), found.etag):
            return replacement
    return decision
