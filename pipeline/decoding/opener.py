"""Open one stream with the chosen backend, as often as needed to know what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.decoding.backend import BackendName, Capture
    from pipeline.decoding.containers.container import Container
    from pipeline.decoding.stream import GuardedStream


@dataclass(frozen=True)
class Opener:
    """Opens a stream. The library is imported with the first use, because it takes a while.

    Attributes:
        backend: the library that decodes.
        stream: what is opened; each opening begins at its beginning.
        container: the only container that it may be.
        square_pixels: make images of square pixels.
        rank: which of the video tracks to read: 0 is the one to try first.
    """

    backend: BackendName
    stream: GuardedStream
    container: Container
    square_pixels: bool = True
    rank: int = 0

    @property
    def library(self) -> str:
        """Path of a library through which FFmpeg's functions of this backend can be called."""
        if self.backend == "opencv":
            from pipeline.decoding.opencv.capture import opencv_library  # noqa: PLC0415

            return opencv_library()
        from pipeline.decoding.pyav.opening import pyav_library  # noqa: PLC0415

        return pyav_library()

    def open(
        self,
        threads: int,
        *,
        packets: bool = False,
        codecs: tuple[str, ...] | None = None,
        megapixels: float = math.inf,
        **options: str | int,
    ) -> Capture | None:
        """Open the video; return None if it does not open.

        Args:
            threads: number of threads the decoder may use.
            packets: grab packets instead of frames.
            codecs: FFmpeg's names of the only decoders that may be used; None: any. FFmpeg decodes
                nothing of other codecs, not even to probe the streams.
            megapixels: PyAV reads a track of larger images only if no other is left.
            options: further options of FFmpeg's demuxers.

        Raises:
            Exception: whatever reading the stream raised.
        """
        is_square = self.square_pixels
        if self.backend == "opencv":
            from pipeline.decoding.opencv.opening import open_with_opencv  # noqa: PLC0415

            return open_with_opencv(
                self.stream, self.container, threads,
                codecs=codecs, packets=packets, square_pixels=is_square, **options,
            )  # fmt: skip
        from pipeline.decoding.pyav.opening import open_with_pyav  # noqa: PLC0415
        from pipeline.decoding.pyav.tracks import Choice  # noqa: PLC0415

        return open_with_pyav(
            self.stream, self.container, threads, Choice(codecs, megapixels, is_square, self.rank),
            packets=packets, square_pixels=is_square, **options,
        )  # fmt: skip
