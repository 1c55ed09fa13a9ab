"""Decoding: grab every frame, retrieve only the sampled ones.

`grab()` decodes; `retrieve()` converts to BGR and rotates. Skipping the second for frames that
are not sampled halves the time of `read()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline import interrupts
from pipeline.capture import open_capture
from pipeline.clock import Clock
from pipeline.errors import RejectedError
from pipeline.frame import Frame
from pipeline.stream import GuardedStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.frame import Image
    from pipeline.runlog import RunLog
    from pipeline.sampling import Sampler
    from pipeline.stream import ByteStream

# A failed grab is a corrupt frame in mid-file, or the end; this many in a row are the end. At the
# end they take 0.1 s together.
_FAILED_GRABS_AT_END = 10_000
# OpenCV tells the start in frame periods; of slide shows that says nothing.
_LONGEST_PERIOD_MS = 100.0


class Video:
    """An opened video, read once from beginning to end.

    Attributes:
        start_ms: the stream's own time of its first frame, known once a frame was read, to
            the nearest frame period (all that OpenCV tells); None where it does not say.
        duration_ms: presentation time of the last frame read.
        hinted_seconds: the length that the header claims; for progress bars only.
    """

    def __init__(self, stream: ByteStream, name: str) -> None:
        """Open the video in a stream.

        Args:
            stream: readable and seekable; the caller closes it.
            name: what to call it in messages.

        Raises:
            RejectedError: it is empty, not a video, cut short, or has no video stream.
            Exception: whatever reading the stream raises.
        """
        self._name = name
        self._stream = GuardedStream(stream)
        self._capture = open_capture(self._stream, name)
        self.start_ms: float | None = None
        self.duration_ms = 0.0
        self.hinted_seconds = self._hint()

    def frames(self, sampler: Sampler, log: RunLog) -> Iterator[Frame]:
        """Yield the sampled frames in presentation order; counts go to stage `decode`.

        Raises:
            RejectedError: no frame could be decoded at all.
            Exception: whatever reading the stream raises.
        """
        decode = log.stage("decode")
        clock = Clock(self._capture.get(cv2.CAP_PROP_FPS))
        index = 0
        failed = 0
        while failed < _FAILED_GRABS_AT_END:
            image = None
            with decode.timed():
                if not self._grab():
                    self._stream.check()
                    failed += 1
                    continue
                decode.failed, failed = decode.failed + failed, 0
                if index == 0:
                    self.start_ms = self._start()
                pts_ms = clock.tick(self._capture.get(cv2.CAP_PROP_POS_MSEC))
                segment = sampler.segment_for(pts_ms)
                if segment is not None:
                    image = self._retrieve()
            decode.items_in += 1
            self.duration_ms = max(self.duration_ms, pts_ms)
            if segment is not None:
                if image is not None:
                    decode.items_out += 1
                    yield Frame(index, pts_ms, segment, image)
                else:
                    decode.failed += 1
            index += 1
            if sampler.is_done(pts_ms):
                return
        if index == 0:
            raise RejectedError("no_decodable_frame", self._no_frame())

    def close(self) -> None:
        """Give the decoder's memory back."""
        self._capture.release()

    def _grab(self) -> bool:
        with interrupts.held:
            return self._capture.grab()

    def _retrieve(self) -> Image | None:
        converted, image = self._capture.retrieve()
        return np.asarray(image, dtype=np.uint8) if converted else None

    def _hint(self) -> float | None:
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return count / rate if rate > 0 and count > 0 else None

    def _start(self) -> float | None:
        # CAP_PROP_PTS counts in frame periods and is -2**63 where the rate is unknown.
        periods = self._capture.get(cv2.CAP_PROP_PTS)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        known = rate >= 1000 / _LONGEST_PERIOD_MS and abs(periods) < 2**53
        return round(1000 * periods / rate, 3) if known else None

    def _no_frame(self) -> str:
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        fourcc = code.to_bytes(4, "little", signed=False).decode("latin-1").strip("\0 ")
        codec = f"'{fourcc}'" if fourcc.isprintable() and fourcc else "unknown"
        return (
            f"{self._name} has a video stream (codec {codec}) but not one frame could be decoded: "
            "the codec is not supported here, or the data is damaged. Convert it to H.264."
        )
