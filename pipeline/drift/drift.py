"""The result of a comparison with a baseline."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """How much a distribution differs from that of the baseline.

    Attributes:
        index: the population stability index; 0 for equal distributions.
        limit: the largest index without drift.
        distance: the Jensen-Shannon distance, 0 to 1.
    """

    index: float
    limit: float
    distance: float


@dataclass(frozen=True)
class Drift:
    """How much a run differs from a baseline.

    Attributes:
        objects: number of objects in the run.
        classes, scores: the differences of the shares of classes, and of the scores.
    """

    objects: int
    classes: Difference
    scores: Difference

    @property
    def level(self) -> float:
        """The larger index as a multiple of its limit. Above 1, the run counts as drifted."""
        return max(each.index / each.limit for each in (self.classes, self.scores))

    @property
    def is_drifted(self) -> bool:
        """Whether the run differs by more than runs without drift do."""
        return self.level > 1


@dataclass(frozen=True)
class NotCompared:
    """Why a run could not be compared: a sentence."""

    reason: str


def drift_json(drift: Drift | NotCompared) -> dict[str, Any]:
    """Return the result as a JSON object, as log lines and `pretag run --json` have it."""
    if isinstance(drift, NotCompared):
        return {"not_compared": drift.reason}
    differences = {
        name: {key: round(value, 4) for key, value in asdict(each).items()}
        for name, each in (("classes", drift.classes), ("scores", drift.scores))
    }
    return {
        "drifted": drift.is_drifted,
        "level": round(drift.level, 4),
        "objects": drift.objects,
        **differences,
    }
