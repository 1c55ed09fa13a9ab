"""Explain why FFmpeg opens no video in a file, or decodes no frame of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.containers.container import HEAD_BYTES, JPEG
from pipeline.decoding.containers.encryption import encryption_fault, protection_fault
from pipeline.decoding.containers.other_files import describe_other_file
from pipeline.decoding.containers.partial_streams import partial_stream_fault
from pipeline.decoding.containers.truncation import truncation_fault

if TYPE_CHECKING:
    from pipeline.decoding.containers.container import Container
    from pipeline.storage.source import ByteStream


def explain_open_failure(stream: ByteStream, container: Container) -> tuple[str, str]:
    """Return why FFmpeg opened no video stream: a reason code and the end of a sentence.

    Raises:
        OSError: the stream cannot be read.
    """
    return (
        _other_file(stream, container)
        or encryption_fault(stream, container)
        or missing_frames_fault(stream, container)
        or ("no_video_stream", _no_video_sentence(container))
    )


def missing_frames_fault(stream: ByteStream, container: Container) -> tuple[str, str] | None:
    """Return why a file has no frame: a reason code and the end of a sentence; None if unknown.

    Raises:
        OSError: the stream cannot be read.
    """
    return (
        partial_stream_fault(stream)
        or protection_fault(stream)
        or truncation_fault(stream, container)
    )


def other_file_fault(head: bytes) -> tuple[str, str]:
    """Return the fault of a file that is no video: a reason code and the end of a sentence.

    Args:
        head: its first bytes, as many as the container is detected with.
    """
    return "not_a_video", describe_other_file(head)


def _no_video_sentence(container: Container) -> str:
    return (
        f"opens as {container.name}, but has no video stream that can be read: it holds only "
        "sound, perhaps with a cover image, its codec is unknown, or its header is damaged. "
        "Convert it to H.264: ffmpeg -i IN -c:v libx264 OUT.mp4"
    )


def _other_file(stream: ByteStream, container: Container) -> tuple[str, str] | None:
    is_images = container is JPEG or container.fewest_frames > 1
    if not container.is_probed and not is_images:
        return None
    stream.seek(0)
    return other_file_fault(stream.read(HEAD_BYTES))
