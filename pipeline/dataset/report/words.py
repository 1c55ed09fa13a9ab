"""Times, sizes and reasons as the HTML report words them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.coverage import MissingRange
    from pipeline.dataset.report.timeline import Cell

_TEN_MINUTES_MS = 600_000


def clock(ms: float) -> str:
    """Return a time as a player shows it, to a tenth of a second: `0:12.3`, `1:02:03.0`."""
    tenths = round(ms / 100)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def length(ms: float) -> str:
    """Return a length of time: to a tenth of a second below ten minutes, then to a second."""
    text = clock(ms)
    return text if ms < _TEN_MINUTES_MS else clock(1000 * round(ms / 1000)).partition(".")[0]


def bytes_text(size: int) -> str:
    """Return a number of bytes in the largest unit in which it is at least 1: `1.5 MB`."""
    value, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:  # noqa: PLR2004 - a kilo
            break
        value, unit = value / 1000, larger
    return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def reason_text(reason: str) -> str:
    """Return the reason of a dropped frame in words."""
    return reason.replace("_", " ")


def cell_text(cell: Cell, missing_ranges: list[MissingRange]) -> str:
    """Return what became of the frames in a part of the video's time."""
    missing = "".join(
        f" Missing: {clock(max(0, each.from_ms))} to {clock(each.to_ms)} ({each.frames} frames)."
        for each in missing_ranges
    )
    if cell.only is not None:
        match = cell.only.duplicate
        fate = "kept"
        if match is not None:
            bits = "1 bit" if match.distance == 1 else f"{match.distance} bits"
            fate = (
                f"dropped ({reason_text(match.reason)}), as frame {match.index} shows the same; "
                f"{bits} apart"
            )
        return f"{clock(cell.only.pts_ms)}, frame {cell.only.index}: {fate}.{missing}"
    span = f"{clock(cell.from_ms)} to {clock(cell.to_ms)}"
    if not cell.sampled:
        return f"{span}: no sampled frame.{missing}"
    reasons = ", ".join(
        f"{count} {reason_text(reason)}" for reason, count in sorted(cell.dropped.items())
    )
    dropped = f"{cell.dropped.total()} dropped" + (f" ({reasons})" if reasons else "")
    return f"{span}: {cell.sampled} sampled, {cell.kept} kept, {dropped}.{missing}"
