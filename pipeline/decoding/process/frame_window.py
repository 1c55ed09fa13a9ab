"""How far the child may decode ahead of the parent.

So decoding begins while the model is loaded, and goes on while the detector is busy. The memory of
the frames is bounded, and so is their number: each takes a descriptor in both processes.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import TYPE_CHECKING

from pipeline.decoding.memory import MOST_AHEAD, most_ahead_bytes
from pipeline.decoding.process.shared_memory import ImageWriter

if TYPE_CHECKING:
    from pipeline.decoding.process.channel import Channel
    from pipeline.decoding.process.shared_clock import SharedClock
    from pipeline.frame import Frame
    from pipeline.resources.capacity import Capacity


class FrameWindow:
    """Hands frames over to the parent, a few more than it has asked for."""

    def __init__(self, channel: Channel, clock: SharedClock, capacity: Capacity | None) -> None:
        """Create a window in which no frame is.

        Args:
            channel: to the parent, which asks for one more frame with each message.
            clock: set after each wait for the parent: waiting is no lack of progress.
            capacity: what the function has; None on other machines.
        """
        self._channel = channel
        self._clock = clock
        self._most_bytes = most_ahead_bytes(capacity)
        self._images = ImageWriter()
        self._sizes: deque[int] = deque()  # in bytes, of the frames that were not asked for yet

    def wait(self) -> bool:
        """Wait until another frame of the last size may be handed over; False: no more may be."""
        while self._sizes:
            is_full = (
                len(self._sizes) >= MOST_AHEAD
                or sum(self._sizes) + self._sizes[-1] > self._most_bytes
            )
            if not is_full and not self._channel.has_message():
                break
            if not self._wait_for_parent():
                return False
        return True

    def send(self, frame: Frame) -> None:
        """Hand a frame over.

        Raises:
            OSError: the parent is gone.
        """
        written = self._images.write(frame.image)
        height, width = frame.image.shape[:2]
        while True:
            try:
                self._channel.send(
                    "frame", descriptor=written.descriptor, memory=written.number,
                    dropped=written.dropped, index=frame.index, pts_ms=frame.pts_ms,
                    segment=frame.segment, height=height, width=width,
                )  # fmt: skip
                break
            except OSError as error:
                # Linux limits the descriptors that are on their way, of all processes of a user:
                # https://man7.org/linux/man-pages/man7/unix.7.html
                if error.errno != errno.ETOOMANYREFS or not self._sizes:
                    raise
                if not self._wait_for_parent():
                    raise
        if written.descriptor is not None:
            os.close(written.descriptor)
        self._sizes.append(frame.image.nbytes)

    def _wait_for_parent(self) -> bool:
        """Wait until the parent asks for one more frame; False: it is gone."""
        request = self._channel.receive()
        if request is None:
            return False
        self._sizes.popleft()
        self._images.free(request.content["freed"])
        self._clock.set()
        return True
