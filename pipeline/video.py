"""Decoding: grab every frame, retrieve only the sampled ones.

`grab()` decodes; `retrieve()` converts to BGR and rotates. Skipping the second for frames that
are not sampled halves the time of `read()`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from pipeline.clock import Clock
from pipeline.container import HEAD_BYTES, container_of, why_unopened
from pipeline.errors import RejectedError
from pipeline.frame import Frame
from pipeline.runlog import RunLog
from pipeline.sampling import Sampler

# FFmpeg's own messages name no file and no remedy; ours do. Read when the first video opens.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# OpenCV's, of files that it fails to open: they end as rejections, in our words.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
# A failed grab is a corrupt frame in mid-file or the end; this many in a row are the end.
_FAILED_GRABS_AT_END = 64
_USUAL_RATE = 25.0


class Video:
    """An opened video, read once from beginning to end.

    Attributes:
        start_ms: the stream's own time of its first frame, known once a frame was read, to
            the nearest frame period (all that OpenCV tells); None where it does not say.
        duration_ms: presentation time of the last frame read.
        hinted_seconds: the length that the header claims; for progress bars only.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Open the video at `path`.

        Args:
            path: a readable file.
            name: what to call it in messages.

        Raises:
            RejectedError: it is empty, not a video, cut short, or has no video stream.
            OSError: the file cannot be read.
        """
        self._name = name
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if not head:
            raise RejectedError("empty", f"{name} is empty (0 bytes).")
        container = container_of(head)
        if container is None:
            raise RejectedError(
                "not_a_video",
                f"{name} is not a video: its first bytes are of no container that pretag reads "
                "(mp4, mov, mkv, webm, avi, mpeg-ts, mpeg-ps, flv, wmv, ogg, mxf).",
            )
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            reason, sentence = why_unopened(path, container)
            raise RejectedError(reason, f"{name} {sentence}")
        self.start_ms: float | None = None
        self.duration_ms = 0.0
        self.hinted_seconds = self._hint()

    def frames(self, sampler: Sampler, log: RunLog) -> Iterator[Frame]:
        """Yield the sampled frames in presentation order; counts go to stage `decode`.

        Raises:
            RejectedError: no frame could be decoded at all.
        """
        decode = log.stage("decode")
        clock = Clock(1000 / (self._capture.get(cv2.CAP_PROP_FPS) or _USUAL_RATE))
        index = 0
        failed = 0
        while failed < _FAILED_GRABS_AT_END:
            image = None
            with decode.timed():
                if not self._capture.grab():
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
            if segment is not None and image is not None:
                decode.items_out += 1
                yield Frame(index, pts_ms, segment, image)
            index += 1
            if sampler.is_done(pts_ms):
                return
        if index == 0:
            raise RejectedError("no_decodable_frame", self._no_frame())

    def close(self) -> None:
        """Give the decoder's memory back."""
        self._capture.release()

    def _retrieve(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        _, image = self._capture.retrieve()
        return np.asarray(image, dtype=np.uint8)

    def _hint(self) -> float | None:
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return count / rate if rate > 0 and count > 0 else None

    def _start(self) -> float | None:
        # CAP_PROP_PTS counts in frame periods and is -2**63 where the rate is unknown.
        periods = self._capture.get(cv2.CAP_PROP_PTS)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        known = rate > 0 and abs(periods) < 2**53
        return round(1000 * periods / rate, 3) if known else None

    def _no_frame(self) -> str:
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        fourcc = code.to_bytes(4, "little", signed=False).decode("latin-1").strip("\0 ")
        codec = f"'{fourcc}'" if fourcc.isprintable() and fourcc else "unknown"
        return (
            f"{self._name} has a video stream (codec {codec}) but not one frame could be decoded: "
            "the codec is not supported here, or the data is damaged. Convert it to H.264."
        )
