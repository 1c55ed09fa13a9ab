"""Decoding: grab every frame, retrieve only the sampled ones.

`grab()` decodes; `retrieve()` converts to BGR and rotates. Skipping the second for frames that
are not sampled halves the time of `read()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.capture import open_capture
from pipeline.clock import Clock
from pipeline.errors import RejectedError
from pipeline.frame import Frame
from pipeline.runlog import Stage
from pipeline.stream import GuardedStream

if TYPE_CHECKING:
    from collections.abc import Generator

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
    """A video, read once from beginning to end, by one thread; another may stop it.

    OpenCV calls back into Python for the bytes. In the main thread an interrupt could be raised
    there, which ends the process in C++: so the thread that reads is never the main one.

    Attributes:
        start_ms: the stream's own time of its first frame, known once a frame was read, to
            the nearest frame period (all that OpenCV tells); None where it does not say.
        duration_ms: presentation time of the last frame read.
        hinted_seconds: the length that the header claims, once open; for progress bars only.
    """

    def __init__(self, stream: ByteStream, name: str, *, threads: int = 1) -> None:
        """Touch nothing yet.

        Args:
            stream: readable and seekable; the caller closes it.
            name: what to call it in messages.
            threads: how many the decoder may use.
        """
        self._name = name
        self._threads = threads
        self._stream = GuardedStream(stream)
        self._stopped = False
        self.start_ms: float | None = None
        self.duration_ms = 0.0
        self.hinted_seconds: float | None = None

    def frames(self, sampler: Sampler, log: RunLog) -> Generator[Frame, None, None]:
        """Yield the sampled frames in presentation order; count into `fetch` and `decode`.

        Raises:
            RejectedError: it is no video that can be read, or none of its frames decodes.
            Exception: whatever reading the stream raises.
        """
        decode = Stage("decode")
        capture = None
        try:
            with decode.timed():
                capture = open_capture(self._stream, self._name, threads=self._threads)
                self.hinted_seconds = _hint(capture)
            yield from self._sampled(capture, sampler, decode)
        finally:
            if capture is not None:
                capture.release()
            fetch = self._stream.fetched()
            decode.seconds -= fetch.seconds
            log.add(fetch)
            log.add(decode)

    def stop(self) -> None:
        """Make `frames` end soon, from another thread."""
        self._stopped = True
        self._stream.end()

    def _sampled(
        self, capture: cv2.VideoCapture, sampler: Sampler, decode: Stage
    ) -> Generator[Frame, None, None]:
        clock = Clock(capture.get(cv2.CAP_PROP_FPS))
        index = 0
        failed = 0
        while failed < _FAILED_GRABS_AT_END and not self._stopped:
            image = None
            with decode.timed():
                if not capture.grab():
                    self._stream.check()
                    failed += 1
                    continue
                decode.failed, failed = decode.failed + failed, 0
                if index == 0:
                    self.start_ms = _start(capture)
                pts_ms = clock.tick(capture.get(cv2.CAP_PROP_POS_MSEC))
                segment = sampler.segment_for(pts_ms)
                if segment is not None:
                    image = _retrieve(capture)
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
            raise RejectedError("no_decodable_frame", _no_frame(capture, self._name))


def _retrieve(capture: cv2.VideoCapture) -> Image | None:
    converted, image = capture.retrieve()
    return np.asarray(image, dtype=np.uint8) if converted else None


def _hint(capture: cv2.VideoCapture) -> float | None:
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return count / rate if rate > 0 and count > 0 else None


def _start(capture: cv2.VideoCapture) -> float | None:
    # CAP_PROP_PTS counts in frame periods and is -2**63 where the rate is unknown.
    periods = capture.get(cv2.CAP_PROP_PTS)
    rate = capture.get(cv2.CAP_PROP_FPS)
    known = rate >= 1000 / _LONGEST_PERIOD_MS and abs(periods) < 2**53
    return round(1000 * periods / rate, 3) if known else None


def _no_frame(capture: cv2.VideoCapture, name: str) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    fourcc = code.to_bytes(4, "little", signed=False).decode("latin-1").strip("\0 ")
    codec = f"'{fourcc}'" if fourcc.isprintable() and fourcc else "unknown"
    return (
        f"{name} has a video stream (codec {codec}) but not one frame could be decoded: "
        "the codec is not supported here, or the data is damaged. Convert it to H.264."
    )
