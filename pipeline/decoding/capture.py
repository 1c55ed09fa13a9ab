"""Open a video: only this stream, and only with the demuxer of its container."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.decoding.containers.container import (
    ASF,
    HEAD_BYTES,
    JPEG,
    MATROSKA,
    MP4,
    OGG,
    detect_container,
)
from pipeline.decoding.containers.encryption import encryption_fault
from pipeline.decoding.containers.formats.iso import is_photo, is_raw_photo, movie
from pipeline.decoding.containers.formats.jpeg import is_film
from pipeline.decoding.containers.open_failure import other_file_fault
from pipeline.decoding.header import read_header
from pipeline.decoding.limits import exceeded_limit, limit_allocations
from pipeline.decoding.memory import memory_shortage
from pipeline.decoding.opencv.misread import opencv_misreads
from pipeline.decoding.opener import Opener
from pipeline.decoding.refusals import bottom_up_error, picture_first_error
from pipeline.decoding.rejections import no_film_error, open_error, rejection
from pipeline.errors import CapacityError, RejectedError

if TYPE_CHECKING:
    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.backend import BackendName, Capture
    from pipeline.decoding.containers.container import Container
    from pipeline.decoding.header import HeaderInfo
    from pipeline.decoding.stream import GuardedStream
    from pipeline.resources.capacity import Capacity

# OpenCV takes a cover image for the video. It has no frame rate: FFmpeg reports that of its clock,
# which no video in these containers has.
_COVER_IMAGE_RATE = 90_000
_CONTAINERS_OF_COVERS = (MP4, MATROSKA, ASF, OGG)
# One photo beside sound or a film is its cover, though the file calls it a film.
_FEWEST_FRAMES_OF_A_FILM = 2


def open_capture(  # noqa: PLR0913 - the options of the decoder, and what the video may cost
    stream: GuardedStream,
    name: str,
    limits: LimitsConfig,
    *,
    threads: int,
    backend: BackendName = "opencv",
    packets: bool = False,
    square_pixels: bool = True,
    rank: int = 0,
    capacity: Capacity | None = None,
) -> tuple[Capture, HeaderInfo]:
    """Open the video in a stream. The caller releases the capture.

    The decoder gets a stream and not a path. FFmpeg takes `12:30.mp4` for a protocol and
    `cam_%03d.mp4` for a sequence of images, and crashes on a name that is not UTF-8.

    Args:
        stream: read from its beginning; the caller closes it.
        name: name of the video in messages.
        limits: the configured limits.
        threads: number of threads the decoder may use.
        backend: the library that decodes. A process must use only one.
        packets: grab packets, which are not decoded, instead of frames.
        square_pixels: make images of square pixels.
        rank: which of the video tracks to read: 0 is the one to try first.
        capacity: what the function has, of which the memory is checked; None: no check.

    Returns:
        The opened capture, and what the header says.

    Raises:
        RejectedError: the stream is empty, not a video, cut short, without a video stream, or
            exceeds a limit, or it is known at once that OpenCV cannot convert its images.
        CapacityError: its images do not fit the memory of the function.
        Exception: whatever reading the stream raised.
    """
    head = _head(stream, name)
    if backend == "opencv" and opencv_misreads(head):
        raise bottom_up_error(name)
    container = detect_container(head)
    opener = Opener(backend, stream, container, square_pixels, rank)
    limit_allocations(limits, opener.library)
    if _is_photo(opener, limits, head):
        stream.raise_pending_error()
        raise rejection(name, other_file_fault(head))
    capture = _open(opener, name, limits, threads, packets=packets)
    header = read_header(capture, container, stream.size)
    position = stream.tell()  # where FFmpeg reads on
    fault = exceeded_limit(capture, header, limits) or encryption_fault(stream, container)
    stream.seek(position)
    stream.raise_pending_error()
    is_picture = backend == "opencv" and _is_picture_first(capture, container, head)
    error = (
        _unreadable(capture, name, threads, capacity, is_picture=is_picture)
        if fault is None
        else rejection(name, fault)
    )
    if error is not None:
        capture.release()
        raise error
    limit_allocations(limits, opener.library, images=(capture.width, capture.height))
    return capture, header


def _head(stream: GuardedStream, name: str) -> bytes:
    """Return the first bytes, by which the container is detected."""
    stream.rewind()
    head = stream.read(HEAD_BYTES)
    stream.raise_pending_error()
    if not head:
        raise RejectedError("empty", f"{name} is empty (0 bytes). Upload it again.")
    return head


def _open(
    opener: Opener, name: str, limits: LimitsConfig, threads: int, *, packets: bool
) -> Capture:
    capture = _try_to_open(opener, limits, threads, packets=packets)
    if capture is not None and (capture.may_be_cover or capture.next_rank is not None):
        may_be_cover = capture.may_be_cover
        capture.release()
        film = _film(opener, limits)
        if film is None and may_be_cover:
            raise no_film_error(opener, name)
        capture = _try_to_open(film or opener, limits, threads, packets=packets)
    if capture is None:
        raise open_error(opener, name, limits)
    return capture


def _film(opener: Opener, limits: LimitsConfig) -> Opener | None:
    """Return what opens the first track that has more than one image; None if none has."""
    rank: int | None = opener.rank
    while rank is not None:
        film = replace(opener, rank=rank)
        packets = _try_to_open(film, limits, 1, packets=True)
        if packets is None:
            return None
        rank = packets.next_rank
        if not _ends_within(packets, _FEWEST_FRAMES_OF_A_FILM):
            return film
    return None


def _try_to_open(
    opener: Opener, limits: LimitsConfig, threads: int, *, packets: bool
) -> Capture | None:
    return opener.open(
        threads,
        packets=packets,
        codecs=limits.codecs,
        megapixels=limits.megapixels,
        max_streams=limits.streams,
    )


def _unreadable(
    capture: Capture, name: str, threads: int, capacity: Capacity | None, *, is_picture: bool
) -> RejectedError | None:
    """Return why the images cannot be had: not rightly, or not in this memory."""
    if is_picture:
        return picture_first_error(name)
    if capture.is_misread:
        return bottom_up_error(name)
    if capacity is None:
        return None
    stored = capture.display.stored_width * capture.display.stored_height
    shortage = memory_shortage(
        capture.width, capture.height, threads, capacity, stored_pixels=stored
    )
    if shortage is None:
        return None
    return CapacityError("too_large_for_function", f"{name} {shortage}")


def _is_picture_first(capture: Capture, container: Container, head: bytes) -> bool:
    """Tell whether OpenCV reads a picture that stands before the video, or without one."""
    if container not in _CONTAINERS_OF_COVERS:
        return False
    return capture.fps == _COVER_IMAGE_RATE or is_photo(head)


def _is_photo(opener: Opener, limits: LimitsConfig, head: bytes) -> bool:
    """Tell whether a file has one image, or a few of one scene. FFmpeg would give one or a tile."""
    stream, container = opener.stream, opener.container
    if container is JPEG:
        return not is_film(stream)
    is_single = is_raw_photo(head) or (is_photo(head) and movie(stream) is None)
    return is_single or _is_short(opener, limits, container.fewest_frames)


def _is_short(opener: Opener, limits: LimitsConfig, fewest: int) -> bool:
    """Tell whether a file opens and has fewer frames than a video. Nothing is decoded."""
    packets = None if fewest == 1 else _try_to_open(opener, limits, 1, packets=True)
    return packets is not None and _ends_within(packets, fewest)


def _ends_within(packets: Capture, fewest: int) -> bool:
    """Tell whether a track ends before it has so many packets, and release it."""
    count = 0
    while count < fewest and not packets.has_ended:
        count += packets.grab()
    packets.release()
    return count < fewest
