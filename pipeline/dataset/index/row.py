"""A row of the index page, read from a manifest or a rejection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPORTS = ("report.html", "report.md")
# What reading a file raises that is not as pretag writes it: also deep nesting, and huge numbers.
_DAMAGE = (
    ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError,
    StopIteration,
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One result.

    Attributes:
        video: path or URI of the video.
        ended: when the result was finished or the video rejected, in UTC.
        link: relative URL of the report, or of the rejection.
        reason: why the video was rejected, as a code; None if it was not.
        kept, objects: number of kept frames and of objects.
        coverage: share of the frames that were decoded, 0 to 1; None if unknown, as all below.
        dollars: estimated price of the invocations.
        drift_level: how far the run is from its limit; above 1, it has drifted.
    """

    video: str
    ended: str
    link: str
    reason: str | None = None
    kept: int = 0
    objects: int = 0
    coverage: float | None = None
    dollars: float | None = None
    drift_level: float | None = None

    @property
    def has_drifted(self) -> bool:
        """Whether the run differs from the baseline by more than runs without drift do."""
        return self.drift_level is not None and self.drift_level > 1


def row_of(path: str, data: bytes) -> Row | None:
    """Return the row of a result; None if the file is not as pretag writes it.

    Args:
        path: path of the manifest or the rejection, relative to the index page.
        data: its content.
    """
    folder = path.rpartition("/")[0]
    try:
        content = json.loads(data)
        video = str(content["source"]["uri"])
        if "reason" in content:
            ended, reason = str(content["rejected"]), str(content["reason"])
            return Row(video, ended, _link(path), reason)
        files = {file["path"] for file in content["files"]}
        report = next(name for name in _REPORTS if name in files)
        return Row(
            video, str(content["finished"]), _link(f"{folder}/{report}"), **_figures(content)
        )
    except _DAMAGE:
        return None


def _figures(content: Mapping[str, Any]) -> dict[str, Any]:
    counts, figures = content["counts"], content.get("figures", {})
    drift = figures.get("drift") or {}
    return {
        "kept": int(counts["frames_kept"]),
        "objects": int(counts["detections"]),
        "coverage": _number(figures.get("coverage")),
        "dollars": _number(figures.get("dollars")),
        "drift_level": _number(drift.get("level")),
    }


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]


def _link(path: str) -> str:
    """Return a relative URL. "./" keeps a name such as `javascript:x` from being a scheme."""
    return f"./{quote(path)}"
