"""How much of a video was decoded: what is missing between its frames, and where.

OpenCV does not say that a packet was damaged, only (sometimes) that a grab failed. What is lost
shows in the frames' times: where frames come at a regular rate, a longer gap is a hole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Gaps are judged by their neighbours, this many at a time: a rate may change on the way.
_NEIGHBOURS = 256
# A rate is regular if so many gaps are one period, give or take the rounding to milliseconds of
# some containers, and a tenth.
_REGULAR_SHARE = 0.9
_ROUNDING_MS = 1.5
_JITTER = 0.1
# Further holes are counted, but not told one by one.
_HOLES_TOLD = 100
# Headers round: an end that is missing less is none.
_END_SLACK_SECONDS = 1.0
_END_SLACK = 0.02


@dataclass(frozen=True, slots=True)
class Claim:
    """What a header says there is.

    Attributes:
        seconds: of video or of sound, whichever is longer; None if it does not say.
        frames: in the container's index; None if it has none.
    """

    seconds: float | None = None
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch without frames, in milliseconds after the first frame, and how many there were.

    Attributes:
        from_ms: where the next frame was due.
        to_ms: where frames go on, or the end.
        frames: how many are missing.
    """

    from_ms: float
    to_ms: float
    frames: int

    def __str__(self) -> str:
        return f"{self.from_ms / 1000:.3f}-{self.to_ms / 1000:.3f}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was decoded of what could have been.

    Attributes:
        decoded: frames.
        skipped: frames that sparse sampling passed over; nothing is known of them.
        lost: frames.
        seconds_lost: the holes' length together.
        holes: the first of them.
        seconds_short: from the last frame to the end that the header claims, where nothing tells
            whether frames are missing there or only the sound goes on.
    """

    decoded: int = 0
    skipped: int = 0
    lost: int = 0
    seconds_lost: float = 0.0
    holes: tuple[Hole, ...] = ()
    seconds_short: float = 0.0

    @property
    def share(self) -> float:
        """Decoded frames of those that were to be decoded, 0 to 1; 1 where there were none."""
        due = self.decoded + self.lost
        return self.decoded / due if due else 1.0


class CoverageMeter:
    """Listens to the decoder, and finds what is missing."""

    def __init__(self) -> None:
        self._decoded = 0
        self._lost = 0
        self._lost_ms = 0.0
        self._holes: list[Hole] = []
        self._early = 0
        self._last_ms: float | None = None
        self._period_ms: float | None = None
        self._gaps: list[tuple[float, float, int]] = []  # from, length, failed grabs within

    def frame(self, pts_ms: float, *, failed_before: int = 0) -> None:
        """Count a decoded frame, and the grabs that failed since the one before it."""
        self._decoded += 1
        if self._last_ms is not None:
            self._gaps.append((self._last_ms, pts_ms - self._last_ms, failed_before))
        self._last_ms = pts_ms
        if len(self._gaps) == _NEIGHBOURS:
            self._judge()

    def end(
        self, claim: Claim, *, start_ms: float | None = None, ran_dry: bool = False
    ) -> Coverage:
        """Judge the rest, and return what was covered.

        Args:
            claim: what the header says; an empty one if the end was not to be reached.
            start_ms: the stream's own time of its first frame; some headers count from 0.
            ran_dry: whether the index led beyond the file's end.
        """
        self._judge()
        if claim.frames is not None and self._decoded >= claim.frames:
            return Coverage(self._decoded)
        short_ms = self._short_ms(claim, start_ms)
        if claim.frames is not None:
            if ran_dry and short_ms:
                self._lose_end(claim.frames, short_ms)
            short_ms = 0.0  # what the index lists was read, or an edit list leaves it out
        return Coverage(
            decoded=self._decoded,
            lost=self._lost,
            seconds_lost=round(self._lost_ms / 1000, 3),
            holes=tuple(self._holes),
            seconds_short=round(short_ms / 1000, 3),
        )

    def _judge(self) -> None:
        if not self._gaps:
            return
        lengths = np.array([length for _, length, _ in self._gaps])
        damaged = any(failed for _, _, failed in self._gaps)
        period_ms = _period_ms(lengths, self._period_ms if damaged else None)
        self._period_ms = period_ms or self._period_ms
        for from_ms, length, failed in self._gaps:
            if period_ms is not None:
                missing = self._settled(round(length / period_ms) - 1)
                due_ms = from_ms + period_ms
            else:
                missing, due_ms = failed, from_ms
            if missing > 0:
                self._lose(Hole(round(due_ms, 3), round(from_ms + length, 3), missing))
        self._gaps.clear()

    def _settled(self, missing: int) -> int:
        """Return what is missing beyond frames that came with the time of the one before them."""
        owed = min(self._early, max(0, missing))
        self._early += (missing < 0) - owed
        return missing - owed

    def _short_ms(self, claim: Claim, start_ms: float | None) -> float:
        if claim.seconds is None or self._last_ms is None:
            return 0.0
        end_ms = self._last_ms + (self._period_ms or 0.0) + max(0.0, start_ms or 0.0)
        short_ms = claim.seconds * 1000 - end_ms
        slack_ms = 1000 * max(_END_SLACK_SECONDS, _END_SLACK * claim.seconds)
        return short_ms if short_ms > slack_ms else 0.0

    def _lose_end(self, frames: int, short_ms: float) -> None:
        from_ms = (self._last_ms or 0.0) + (self._period_ms or 0.0)
        missing = max(1, frames - self._decoded - self._lost)
        self._lose(Hole(round(from_ms, 3), round(from_ms + short_ms, 3), missing))

    def _lose(self, hole: Hole) -> None:
        self._lost += hole.frames
        self._lost_ms += hole.to_ms - hole.from_ms
        if len(self._holes) < _HOLES_TOLD:
            self._holes.append(hole)


def _period_ms(gaps_ms: np.ndarray, known_ms: float | None) -> float | None:
    """Return the period at which frames come regularly; None if they do not.

    Where grabs failed, and so much is missing that it does not show, a period that is known from
    before counts, as long as the gaps are whole numbers of it.
    """
    period = float(np.median(gaps_ms))
    if period > 0 and _near(gaps_ms, np.full_like(gaps_ms, period)):
        return period
    if known_ms is not None and _near(gaps_ms, np.rint(gaps_ms / known_ms) * known_ms):
        return known_ms
    return None


def _near(gaps_ms: np.ndarray, expected_ms: np.ndarray) -> bool:
    tolerance = max(_ROUNDING_MS, _JITTER * float(expected_ms.min()))
    return float((np.abs(gaps_ms - expected_ms) <= tolerance).mean()) >= _REGULAR_SHARE
