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
    from pipeline.decoding.stream import GuardedStream

# FFmpeg's own messages name neither the file nor a remedy.
av.logging.set_level(av.logging.PANIC)


def open_with_pyav(  # noqa: PLR0913 - what is opened, and how
    stream: GuardedStream,
    container: Container,
    threads: int,
    *,
    codec: str | None = None,
    packets: bool = False,
    square_pixels: bool = True,
    rank: int = 0,
    **options: str | int,
) -> PyAvCapture | None:
    """Open the video in a stream with PyAV; return None if it does not open.

    Args:
        stream: read from its beginning.
        container: the only container that it may be.
        threads: number of threads the decoder may use.
        codec: the only decoder that may be used; None: any.
        packets: grab packets, which are not decoded, instead of frames.
        square_pixels: make images of square pixels.
        rank: which of the video tracks to read: 0 is the one to try first.
        options: further options of FFmpeg's demuxers.

    Raises:
        Exception: whatever reading the stream raised.
    """
    all_options = {"protocol_whitelist": "none", "format_whitelist": container.demuxer, **options}
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
    tracks = tracks_by_rank(opened)[rank:]
    if not tracks or codec not in {None, tracks[0].codec_context.name}:
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
        track=track_of(opened, video),
        next_rank=rank + 1 if len(tracks) > 1 else None,
    )


def pyav_library() -> str:
    """Return the path of a library through which FFmpeg's functions of PyAV can be called."""
    return str(av._core.__file__)  # noqa: SLF001 - PyAV has no function for it
