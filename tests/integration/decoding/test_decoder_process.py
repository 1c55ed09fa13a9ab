"""Decoding in a process of its own: the same frames, and an ending for each crash."""

from __future__ import annotations

import io
import os
import re
import select
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline.config.schema import Config
from pipeline.decoding.process.channel import Channel, channel_pair
from pipeline.decoding.process.decoder_process import DecoderProcess
from pipeline.decoding.process.launching import Child
from pipeline.decoding.process.shared_memory import ImageWriter
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.errors import RejectedError, RetryableError
from pipeline.resources.budget import Budget
from pipeline.runlog import RunLog
from tests.support import clips
from tests.support.decoding import drained
from tests.support.runs import run

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream


@contextmanager
def decoder(stream: ByteStream, config: Config, child: Child) -> Iterator[DecoderProcess]:
    limits, budget = config.limits, Budget.unlimited()
    with DecoderProcess(child, stream, "a.mp4", limits, threads=2, budget=budget) as video:
        yield video


@pytest.mark.parametrize("every_seconds", [0.5, 4])
def test_the_frames_are_those_that_this_process_decodes(every_seconds: float) -> None:
    config = Config.model_validate({"sampling": {"every_seconds": every_seconds}})
    data = clips.SAMPLE.read_bytes()
    with decoder(io.BytesIO(data), config, Child()) as video:
        frames, result, log = drained(video, config)
        header = video.header
    here = Video(io.BytesIO(data), "a.mp4", config.limits, threads=2)
    expected, expected_result, expected_log = drained(here, config)
    assert (result, header) == (expected_result, here.header)
    assert log.counts() == expected_log.counts()
    assert 20 < log.decoder_megabytes < 1000
    assert expected_log.decoder_megabytes == 0
    assert len(frames) == len(expected) > 5
    for frame, other in zip(frames, expected, strict=True):
        assert (frame.index, frame.pts_ms, frame.segment) == (
            other.index,
            other.pts_ms,
            other.segment,
        )
        assert np.array_equal(frame.image, other.image)


def has_ended(child: Child) -> bool:
    """Wait until a child ends by itself; False: it does not."""
    descriptor = os.pidfd_open(child.process_id)
    ended, _, _ = select.select([descriptor], [], [], 60)
    os.close(descriptor)
    return bool(ended)


def test_the_frames_of_a_video_that_has_begun_wait_also_after_the_end_of_its_process() -> None:
    config, child = Config.model_validate({"sampling": {"every_seconds": 2}}), Child()
    data = clips.SAMPLE.read_bytes()
    with decoder(io.BytesIO(data), config, child) as video:
        video.begin(Sampler(SamplingGrid.from_config(config)))
        assert has_ended(child)
        frames, result, log = drained(video, config)
    here = Video(io.BytesIO(data), "a.mp4", config.limits, threads=2)
    expected, expected_result, expected_log = drained(here, config)
    assert (result, log.counts()) == (expected_result, expected_log.counts())
    assert len(frames) == 15
    for frame, other in zip(frames, expected, strict=True):
        assert (frame.index, frame.pts_ms) == (other.index, other.pts_ms)
        assert np.array_equal(frame.image, other.image)


def test_a_video_that_has_begun_ends_with_its_block() -> None:
    config = Config.model_validate({"sampling": {"every_seconds": 0.1}})
    child = Child()
    with decoder(io.BytesIO(clips.SAMPLE.read_bytes()), config, child) as video:
        video.begin(Sampler(SamplingGrid.from_config(config)))
    assert not Path(f"/proc/{child.process_id}").exists()


def test_a_rejection_comes_through() -> None:
    config = Config()
    with decoder(io.BytesIO(b"not a video"), config, Child()) as video:
        with pytest.raises(RejectedError, match=r"a\.mp4 is not a video") as rejection:
            drained(video, config)
        assert rejection.value.reason == "not_a_video"


@pytest.mark.parametrize(
    ("number", "reason", "sentence"),
    [
        (signal.SIGSEGV, "decoder_crashed", r"crashes the decoder \(signal 11\)"),
        (signal.SIGABRT, "decoder_crashed", r"crashes the decoder \(signal 6\)"),
        (signal.SIGKILL, "too_much_memory", "more memory to be decoded than there is"),
        (signal.SIGXCPU, "stalled", "all CPU time"),
    ],
)
def test_a_decoder_that_dies_is_a_rejection_that_says_how_far_it_came(
    number: signal.Signals, reason: str, sentence: str
) -> None:
    config = Config.model_validate({"sampling": {"every_seconds": 0.1}})
    child = Child()
    with decoder(io.BytesIO(clips.SAMPLE.read_bytes()), config, child) as video:
        frames = video.frames(Sampler(SamplingGrid.from_config(config)), RunLog())
        next(frames)
        os.kill(child.process_id, number)
        with pytest.raises(RejectedError, match=sentence) as rejection:
            list(frames)
    assert rejection.value.reason == reason
    assert re.search(r"Frames up to \d+\.\d seconds were decoded before", str(rejection.value))


def test_a_video_that_opencv_cannot_read_is_decoded_by_pyav(tmp_path: Path) -> None:
    images = clips.textures(45, 320, 240)
    raw = clips.write_raw_avi(tmp_path / "raw.avi", images, 24, is_bottom_up=True)
    outcome = run(tmp_path / "out", raw)
    assert (outcome.status, outcome.log.counts()["frames_decoded"]) == ("done", 45)


class FailingStream(io.BytesIO):
    """A stream of which all reads beyond the first 512 KiB fail."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            raise RetryableError("S3 failed.")
        return super().read(size)


def test_an_error_of_the_stream_is_raised_as_it_is() -> None:
    config = Config()
    with (
        decoder(FailingStream(clips.SAMPLE.read_bytes()), config, Child()) as video,
        pytest.raises(RetryableError, match="S3 failed"),
    ):
        drained(video, config)


def test_the_process_has_no_environment_and_ends_with_its_video(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    child = Child()
    config = Config()
    process = Path(f"/proc/{child.process_id}")
    with decoder(io.BytesIO(clips.SAMPLE.read_bytes()), config, child) as video:
        frames = video.frames(Sampler(SamplingGrid.from_config(config)), RunLog())
        next(frames)
        environment = (process / "environ").read_text().split("\0")
        names = {entry.partition("=")[0] for entry in environment}
        assert names <= {"", "LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS"}
        files = {str(path.readlink()) for path in (process / "fd").iterdir()}
        files.discard(f"{process}/status")  # of itself
        assert {name.partition(":")[0] for name in files} <= {"socket", "/dev/null", "/memfd"}
    assert not process.exists()


def test_a_decoder_that_makes_no_progress_is_stalled() -> None:
    config = Config()
    with decoder(io.BytesIO(clips.SAMPLE.read_bytes()), config, Child()) as video:
        video.check_stalled()
    stalled = config.limits.model_copy(update={"stalled_seconds": -1.0})
    with (
        DecoderProcess(
            Child(), io.BytesIO(b""), "a.mp4", stalled, threads=1, budget=Budget.unlimited()
        ) as video,
        pytest.raises(RejectedError, match="stalls the decoder"),
    ):
        video.check_stalled()


def test_a_video_that_was_stopped_has_no_process() -> None:
    config = Config.model_validate({"sampling": {"every_seconds": 0.1}})
    child = Child()
    with decoder(io.BytesIO(clips.SAMPLE.read_bytes()), config, child) as video:
        frames = video.frames(Sampler(SamplingGrid.from_config(config)), RunLog())
        next(frames)
        video.stop()
        with pytest.raises(RejectedError):
            list(frames)
    assert not Path(f"/proc/{child.process_id}").exists()


@contextmanager
def untrusted_child() -> Iterator[tuple[Child, socket.socket]]:
    """Return a child, and the end of the channel from which its messages come instead."""
    child = Child()
    child.channel.close()
    own, end = channel_pair()
    child.channel = Channel(own)
    with end:
        yield child, end


@pytest.mark.parametrize(
    "message",
    [
        b"\xff",
        b"{}",
        b"[" * 60_000,
        b'{"kind": "header", "x": 1}',
        b'{"kind": "frame"}',
        b'{"kind": "result"}',
        *(
            b'{"kind": "result", "stages": [], "peak_kibibytes": 1, "header": {}, "start_ms": 0, '
            b'"coverage": {"missing_ranges": []}, "duration_ms": 0, "track": null, "display": '
            b'{"stored_width": 1, "stored_height": 1, "mirrored": false, "rotation": 0, '
            b'"ratio_changes_ms": null, "sample_aspect_ratio": %b}}' % ratio
            for ratio in (b"3", b'"1e999999999:1"', b'"1"', b"null")
        ),
        b'{"kind": "rejected", "stages": 3}',
        b'{"kind": "rejected", "stages": [], "peak_kibibytes": NaN}',
    ],
)
def test_a_message_that_no_decoder_sends_is_a_rejection(message: bytes) -> None:
    config = Config()
    with (
        untrusted_child() as (child, end),
        decoder(io.BytesIO(b""), config, child) as video,
    ):
        end.send(message)
        with pytest.raises(RejectedError, match="sends what no decoder sends") as rejection:
            drained(video, config)
    assert rejection.value.reason == "decoder_crashed"


@pytest.mark.parametrize(("height", "width"), [(8, 9), (-1, 8), (0, 0), (2**40, 8)])
def test_a_frame_that_does_not_fit_its_memory_is_a_rejection(height: int, width: int) -> None:
    config = Config()
    with (
        untrusted_child() as (child, end),
        decoder(io.BytesIO(b""), config, child) as video,
    ):
        _, memory, _ = ImageWriter().write(clips.texture(1, 8, 8))
        assert memory is not None
        size = {"height": height, "width": width}
        Channel(end).send(
            "frame", descriptor=memory, memory=0, dropped=[], index=0, pts_ms=0.0, segment=0, **size
        )
        os.close(memory)
        with pytest.raises(RejectedError, match="sends what no decoder sends"):
            drained(video, config)
