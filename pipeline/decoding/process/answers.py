"""Read what the child hands over. A hostile video may control it, so each field is checked.

Raises:
    ArithmeticError, LookupError, TypeError, ValueError: from any function, if a field is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.coverage import Coverage, MissingRange
from pipeline.decoding.decoder import DecodeResult
from pipeline.decoding.key_frame import KeyFrame
from pipeline.frame import Display, Track
from pipeline.runlog import StageLog

if TYPE_CHECKING:
    from pipeline.runlog import RunLog


def result_of(content: dict[str, Any]) -> DecodeResult:
    """Return the result of decoding."""
    coverage = content["coverage"]
    ranges = tuple(MissingRange(**each) for each in coverage["missing_ranges"])
    return DecodeResult(
        Coverage(**{**coverage, "missing_ranges": ranges}),
        content["duration_ms"],
        content["start_ms"],
        _display(content["display"]),
        _track(content["track"]),
        None if content["note"] is None else str(content["note"]),
    )


def part_of(content: dict[str, Any]) -> tuple[int, KeyFrame]:
    """Return the first segment of a part, and its key frame."""
    return int(content["first_segment"]), KeyFrame.from_json(content["start"])


def add_work(content: dict[str, Any], log: RunLog) -> None:
    """Add what the child tells of its work to the log."""
    for stage in content["stages"]:
        log.add(StageLog(**stage))
    log.add_decoder(int(content["peak_kibibytes"]) / 1024)


def _display(content: dict[str, Any]) -> Display:
    changes_ms = content["ratio_changes_ms"]
    width, height = (int(side) for side in str(content["sample_aspect_ratio"]).split(":"))
    return Display(
        int(content["stored_width"]),
        int(content["stored_height"]),
        f"{width}:{height}",
        bool(content["mirrored"]),
        int(content["rotation"]),
        None if changes_ms is None else float(changes_ms),
    )


def _track(content: dict[str, Any] | None) -> Track | None:
    if content is None:
        return None
    ignored = tuple(str(each) for each in content["ignored"])
    return Track(int(content["number"]), int(content["count"]), ignored)
