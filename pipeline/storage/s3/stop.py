"""Why a divided run is not merged of its shards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from pipeline.resources.capacity import Capacity
from pipeline.storage.result_store import json_bytes


@dataclass(frozen=True)
class Stop:
    """Why a run cannot be merged of its shards. The first shard that finds out says so.

    Attributes:
        kind: `mismatch`: one process must do the video; `rejected`; `superseded`.
        message: sentences for a person.
        reason: the reason code of a rejection; None otherwise.
        capacity: what was too small, for a rejection for lack of capacity; None otherwise.
    """

    kind: Literal["mismatch", "rejected", "superseded"]
    message: str
    reason: str | None = None
    capacity: Capacity | None = None

    def data(self) -> bytes:
        """Return it as JSON."""
        return json_bytes(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Stop:
        """Return what `data` wrote."""
        value = json.loads(data)
        capacity = value["capacity"]
        return cls(**{**value, "capacity": None if capacity is None else Capacity(**capacity)})
