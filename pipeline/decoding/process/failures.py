"""The error for a video that the child could not decode."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.errors import CapacityError, RejectedError

if TYPE_CHECKING:
    from pipeline.decoding.process.channel import Message

_CONVERT = "Convert it to H.264: ffmpeg -i IN -c:v libx264 OUT.mp4"


def error_of(message: Message, name: str, progress: str) -> RejectedError | ShardMismatchError:
    """Return the error that the child reported.

    Args:
        message: `rejected`, `no_memory`, `failed` or `mismatch`.
        name: name of the video.
        progress: a sentence that says how far it came.
    """
    content = message.content
    if message.kind == "no_memory":
        return _memory_error(name, progress)
    if message.kind == "failed":
        return crashed(name, str(content["message"]), progress)
    if message.kind == "mismatch":
        return ShardMismatchError(str(content["message"]))
    reason, sentence = str(content["reason"]), str(content["message"])
    kind = CapacityError if content["is_capacity"] else RejectedError
    return kind(reason, sentence)


def crash_error(code: int, name: str, progress: str) -> RejectedError:
    """Return the error for a child that ended without a last message.

    Args:
        code: its exit code; the negative number of the signal that ended it.
        name: name of the video.
        progress: a sentence that says how far it came.
    """
    if code == -signal.SIGKILL:  # the system does so when no memory is left
        return _memory_error(name, progress)
    if code == -signal.SIGXCPU:
        return CapacityError(
            "stalled", f"{name} used all CPU time that the run has. {progress} {_CONVERT}"
        )
    return crashed(name, f"signal {-code}" if code < 0 else f"exit code {code}", progress)


def crashed(name: str, how: str, progress: str) -> RejectedError:
    """Return the rejection of a video that crashes the decoder."""
    return RejectedError(
        "decoder_crashed", f"{name} crashes the decoder ({how}). {progress} {_CONVERT}"
    )


def _memory_error(name: str, progress: str) -> CapacityError:
    return CapacityError(
        "too_much_memory",
        f"{name} needs more memory to be decoded than there is. {progress} Raise MemoryMegabytes, "
        "or scale the video down: ffmpeg -i IN -vf scale=1920:-2 OUT.mp4",
    )
