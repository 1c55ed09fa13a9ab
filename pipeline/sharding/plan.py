"""The plan of a long video: its shards, and where each begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pipeline.decoding.key_frame import KeyFrame, Part, VideoFacts

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of consecutive segments that one worker processes.

    Attributes:
        number: its number in the plan, from 0.
        first_segment: its first segment. It ends where the next shard begins; the last one ends
            with the video.
        start: the last key frame before its first grid point; None: it begins with the video.
    """

    number: int
    first_segment: int
    start: KeyFrame | None

    def to_json(self) -> dict[str, Any]:
        """Return the shard as a JSON object."""
        start = None if self.start is None else self.start.to_json()
        return {"number": self.number, "first_segment": self.first_segment, "start": start}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the shard that `to_json` wrote."""
        start = value["start"]
        return cls(
            int(value["number"]),
            int(value["first_segment"]),
            None if start is None else KeyFrame.from_json(start),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How a video is divided. Which run it belongs to is for the caller to keep.

    Attributes:
        facts: what all shards share: number of frames, size, length, and how images are made.
        shards: two or more shards, in order.
    """

    facts: VideoFacts
    shards: tuple[Shard, ...]

    def part(self, number: int) -> Part:
        """Return what the decoder has to know of one shard."""
        shard = self.shards[number]
        following = self.shards[number + 1] if number + 1 < len(self.shards) else None
        return Part(
            first_segment=shard.first_segment,
            end_segment=None if following is None else following.first_segment,
            start=shard.start,
            next=None if following is None else following.start,
            facts=self.facts,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object: about 130 bytes for each shard."""
        return {
            "facts": self.facts.to_json(),
            "shards": [shard.to_json() for shard in self.shards],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the plan that `to_json` wrote."""
        shards = tuple(Shard.from_json(each) for each in value["shards"])
        return cls(VideoFacts.from_json(value["facts"]), shards)


@dataclass(frozen=True, slots=True)
class SinglePath:
    """One process must do the video, or may as well.

    Attributes:
        reason: why, as one sentence for the log.
    """

    reason: str
