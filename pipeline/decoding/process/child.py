"""The child: decodes one video, and hands its frames to the parent.

It is started as `python -c`, with the descriptors of its sockets as arguments. It reads nothing but
these sockets and its own peak of memory, and writes nothing but the sockets and its log.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pkgutil import walk_packages
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy.ma  # noqa: F401 - numpy.median imports it, but a confined process opens no file

from pipeline.child_process.confinement import confine
from pipeline.decoding.division import Division
from pipeline.decoding.key_frame import Part, ShardMismatchError
from pipeline.decoding.process.byte_stream import ServedStream
from pipeline.decoding.process.channel import Channel
from pipeline.decoding.process.frame_window import FrameWindow
from pipeline.decoding.process.native_log import NativeLog, unbuffer_native_output
from pipeline.decoding.process.shared_clock import SharedClock
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.errors import CapacityError, RejectedError
from pipeline.resources.capacity import Capacity
from pipeline.resources.peak_memory import PeakMemory
from pipeline.runlog import RunLog

if TYPE_CHECKING:
    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.backend import BackendName
    from pipeline.decoding.decoder import DecodeResult

_STAGES = ("fetch", "decode")
_LOG = 1  # standard output and standard error are one file
# `code` of cv2.error: cv::Error::StsNoMem
_CV_NO_MEMORY = -4
_LONGEST_ERROR = 1000
# The command of PyAV, and what downloads its test videos, with the network code of Python.
_UNNEEDED = ("av.__", "av.datasets")


@dataclass(frozen=True)
class _Work:
    """What the child tells of its work with its last message. Made before it is confined."""

    log: RunLog = field(default_factory=RunLog)
    memory: PeakMemory = field(default_factory=PeakMemory)

    def fields(self) -> dict[str, Any]:
        stages = [asdict(self.log.stage(name)) for name in _STAGES]
        return {"stages": stages, "peak_kibibytes": self.memory.kibibytes()}


def main(backend: BackendName) -> None:
    """Wait for a video, decode it, and end."""
    import_library(backend)
    gc.enable()  # it was disabled to import faster
    # Errors: those of images that cannot be converted are among them.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"
    message_end, byte_end, clock = (int(argument) for argument in sys.argv[1:4])
    unbuffer_native_output()
    channel = Channel(socket.socket(fileno=message_end))
    work = _Work()
    channel.send("ready")
    start = channel.receive()
    if start is not None:
        job = start.content
        refused = confine(job["more_bytes"], job["cpu_seconds"])
        channel.send("confined", refused=refused)
        byte_stream = socket.socket(fileno=byte_end)
        _decode(job, backend, channel, byte_stream, SharedClock(clock), work=work)
    # Without the interpreter's own clean-up: threads of FFmpeg may be stuck.
    sys.stdout.flush()
    os._exit(0)


def import_library(backend: BackendName) -> None:
    """Import all that will be needed, because a confined process opens no file."""
    if backend == "opencv":
        import_module("pipeline.decoding.opencv.opening")
        return
    import_module("pipeline.decoding.pyav.opening")
    # PyAV imports its own modules when they are first used.
    package = import_module("av")
    for module in walk_packages(package.__path__, "av."):
        if not module.name.startswith(_UNNEEDED):
            import_module(module.name)


def _decode(  # noqa: PLR0913 - what the child has
    job: dict[str, Any],
    backend: BackendName,
    channel: Channel,
    byte_end: socket.socket,
    clock: SharedClock,
    *,
    work: _Work,
) -> None:
    stream = ServedStream(byte_end, job["size"], is_ranged=job["is_ranged"])
    capacity = None if job["capacity"] is None else Capacity(**job["capacity"])
    limits = cast("LimitsConfig", SimpleNamespace(**job["limits"]))
    native_log = NativeLog(_LOG)

    def note_progress() -> None:
        clock.set()
        native_log.trim()

    video = Video(
        stream,
        job["name"],
        limits,
        threads=job["threads"],
        capacity=capacity,
        on_progress=note_progress,
        backend=backend,
        square_pixels=job["square_pixels"],
        conversion_failed=native_log.refusal,
    )
    try:
        if job["division"] is None:
            _send_frames(video, job, FrameWindow(channel, clock, capacity), channel, work)
        else:
            _send_parts(video, job, channel, work)
    except ShardMismatchError as error:
        channel.send("mismatch", message=str(error), **work.fields())
    except RejectedError as error:
        is_capacity = isinstance(error, CapacityError)
        channel.send(
            "rejected", reason=error.reason, message=str(error), is_capacity=is_capacity,
            **work.fields(),
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - the parent raises it
        is_memory = isinstance(error, MemoryError) or getattr(error, "code", 0) == _CV_NO_MEMORY
        channel.send(
            "no_memory" if is_memory else "failed",
            message=f"{type(error).__name__}: {error}"[:_LONGEST_ERROR],
            **work.fields(),
        )


def _send_frames(
    video: Video, job: dict[str, Any], window: FrameWindow, channel: Channel, work: _Work
) -> None:
    part = None if job["part"] is None else Part.from_json(job["part"])
    frames = video.frames(Sampler(SamplingGrid(**job["grid"]), part), work.log)
    header = None
    while window.wait():
        try:
            frame = next(frames)
        except StopIteration as end:
            _send_result(end.value, video, channel, work)
            return
        if video.header != header:
            header = video.header
            channel.send("header", **asdict(header))
        window.send(frame)


def _send_parts(video: Video, job: dict[str, Any], channel: Channel, work: _Work) -> None:
    parts = video.parts(SamplingGrid(**job["grid"]), Division(**job["division"]), work.log)
    while True:
        try:
            first_segment, start = next(parts)
        except StopIteration as end:
            channel.send("facts", facts=end.value.to_json(), **work.fields())
            return
        channel.send("part", first_segment=first_segment, start=start.to_json())


def _send_result(result: DecodeResult, video: Video, channel: Channel, work: _Work) -> None:
    channel.send(
        "result", coverage=asdict(result.coverage), duration_ms=result.duration_ms,
        start_ms=result.start_ms, display=asdict(result.display),
        track=None if result.track is None else asdict(result.track),
        header=asdict(video.header), note=result.note, **work.fields(),
    )  # fmt: skip
