"""Measure how fast a run goes, so that the time for the rest of its video can be predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Detection is bursty: frames that are dropped as duplicates take a fraction of the time of others.
_FRAMES_A_STRETCH = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a run stood when a sampled frame was done.

    Attributes:
        work_seconds: time since the run began.
        video_seconds: presentation time of the frame.
    """

    work_seconds: float = 0.0
    video_seconds: float = 0.0

    def speed_since(self, earlier: Mark) -> float:
        """Return the seconds of video done in each second of work since an earlier mark."""
        work_seconds = self.work_seconds - earlier.work_seconds
        video_seconds = self.video_seconds - earlier.video_seconds
        return video_seconds / work_seconds if work_seconds > 0 else math.inf


class Pace:
    """Divides a run into stretches and measures their speed.

    The first stretch is not measured, because it holds what happens once: connections are made,
    memory is allocated, the model runs for the first time. The speed is that of the last stretch or
    that of all measured ones, whichever is higher: a slow scene alone shall not look like a slow
    video.

    Attributes:
        last: the last mark.
        speed: seconds of video for each second of work; None until it was measured.
    """

    def __init__(self, stretch_seconds: float) -> None:
        """Create a pace without marks.

        Args:
            stretch_seconds: shortest time of one stretch. It also has at least 10 sampled frames.
        """
        self.last = Mark()
        self.speed: float | None = None
        self._stretch_seconds = stretch_seconds
        self._stretch_start = Mark()
        self._frames = 0
        self._measured_from: Mark | None = None

    def add(self, mark: Mark) -> bool:
        """Count a sampled frame; tell whether it ended a stretch that was measured."""
        self.last = mark
        self._frames += 1
        work_seconds = mark.work_seconds - self._stretch_start.work_seconds
        if self._frames < _FRAMES_A_STRETCH or work_seconds < self._stretch_seconds:
            return False
        is_measured = self._measured_from is not None
        if self._measured_from is None:
            self._measured_from = mark
        else:
            of_all = mark.speed_since(self._measured_from)
            self.speed = max(of_all, mark.speed_since(self._stretch_start))
        self._stretch_start, self._frames = mark, 0
        return is_measured
