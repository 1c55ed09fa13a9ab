"""Open a video with PyAV."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import av
import av._core
import av.logging
from av.container import Flags

from pipeline.decoding.containers.declared import read_declared
from pipeline.decoding.pyav.capture import PyAvCapture
from pipeline.decoding.pyav.tracks import track_of, tracks_by_rank

if TYPE_CHECKING:
    from pipeline.decoding.containers.container import Container
    from pipeline.decoding.pyav.tracks import Choice
    from pipeline.decoding.stream import GuardedStream

# FFmpeg's own messages name neither the file nor a remedy.
av.logging.set_level(av.logging.PANIC)


def open_with_pyav(  # noqa: PLR0913 - what is opened, and how
    stream: GuardedStream,
    container: Container,
    threads: int,
    choice: Choice,
    *,
    packets: bool = False,
    square_pixels: bool = True,
    **options: str | int,
) -> PyAvCapture | None:
    """Open the video in a stream with PyAV; return None if it does not open.

    Args:
        stream: read from its beginning.
        container: the only container that it may be.
        threads: number of threads the decoder may use.
        choice: which of the video tracks to read.
        packets: grab packets, which are not decoded, instead of frames.
        square_pixels: make images of square pixels.
        options: further options of FFmpeg's demuxers.

    Raises:
        Exception: whatever reading the stream raised.
    """
    all_options = {"protocol_whitelist": "none", "format_whitelist": container.demuxer, **options}
    if choice.codecs is not None:
        all_options["codec_whitelist"] = ",".join(choice.codecs)
    declared = read_declared(stream, container)
    stream.rewind()
    try:
        opened = av.open(
            stream,
            "r",
            format=None if container.is_probed else container.demuxer.partition(",")[0],
            container_options={key: str(value) for key, value in all_options.items()},
            metadata_errors="ignore",
        )
    except (av.FFmpegError, ValueError):
        stream.raise_pending_error()
        return None
    tracks = tracks_by_rank(opened, choice)[choice.rank :]
    if not tracks:
        opened.close()
        return None
    video = tracks[0]
    # PyAV makes up times of packets that have none, by reading ahead. OpenCV does not.
    opened.flags &= ~cast("int", Flags.gen_pts.value)
    video.thread_count = threads
    video.thread_type = "AUTO"
    return PyAvCapture(
        opened,
        video,
        declared,
        stream.size,
        packets=packets,
        square_pixels=square_pixels,
        track=track_of(opened, video, choice),
        next_rank=choice.rank + 1 if len(tracks) > 1 else None,
    )


def pyav_library() -> str:
    """Return the path of a library through which FFmpeg's functions of PyAV can be called."""
    return str(av._core.__file__)  # noqa: SLF001 - PyAV has no function for it
