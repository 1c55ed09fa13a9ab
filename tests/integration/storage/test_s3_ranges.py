"""Videos in S3 (moto) of which few frames are wanted: only the ranges of these are fetched."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from pipeline.config.schema import Config
from pipeline.decoding.division import Division
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.decoding.opening import open_video
from pipeline.decoding.sampling import SamplingGrid
from pipeline.decoding.video import Video
from pipeline.resources.budget import Budget
from pipeline.runlog import RunLog
from pipeline.storage.s3.ranged_reader import BLOCK_BYTES, RangedReader
from pipeline.storage.s3.video import S3Video
from pipeline.storage.source import CountedStream
from tests.support import clips
from tests.support.decoding import Decoded, decode, drained
from tests.support.needed_packets import needed_bytes
from tests.support.parts import trimmed
from tests.support.s3_retries import quick_retries

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

FRAMES = 240
EVERY_4_SECONDS = {"sampling": {"every_seconds": 4}}
KEY_EVERY_2_SECONDS = Config.model_validate({"sampling": {"snap": "key", "every_seconds": 2}})
SMALL = {"preset": "ultrafast", "g": "12", "bf": "2", "sc_threshold": "0"}
_MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an mp4 of 25 MB with a key frame each 12 frames, and its index at the end."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    images = (np.roll(noise, 7 * number, axis=0) for number in range(FRAMES))
    options = {"preset": "ultrafast", "g": "12", "bf": "2", "crf": "8", "sc_threshold": "0"}
    path = clips.write_clip(
        tmp_path_factory.mktemp("film") / "film.mp4", images, options=options, rate=6
    )
    return path.read_bytes()


class CountedRequests:
    """Counts the bytes of the ranges that a client asks for."""

    def __init__(self, client: S3Client, size: int) -> None:
        self.count = self.bytes = 0
        self._size = size
        client.meta.events.register("before-call.s3.GetObject", self._add)

    def _add(self, params: dict[str, dict[str, str]], **_rest: object) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", params["headers"]["Range"])
        assert found is not None
        self.count += 1
        self.bytes += min(int(found[2]), self._size - 1) - int(found[1]) + 1


def seen(decoded: Decoded) -> list[tuple[int, float, int]]:
    return [(each.index, each.pts_ms, hash(each.image.tobytes())) for each in decoded.frames]


@pytest.mark.parametrize(
    "sampling",
    [
        {"snap": "key", "every_seconds": 2},
        {"snap": "key", "every_seconds": 10},
        {"every_seconds": 13},
    ],
    ids=["key frames", "few key frames", "exact and sparse"],
)
def test_only_the_needed_ranges_are_fetched(
    client: S3Client, film: bytes, sampling: dict[str, object]
) -> None:
    config = Config.model_validate({"sampling": sampling})
    client.put_object(Bucket="videos", Key="film.mp4", Body=film)
    requests = CountedRequests(client, len(film))
    source = S3Video.find(client, "videos", "film.mp4", retries=quick_retries())
    with (
        source.open() as stream,
        open_video(stream, source.uri, config, threads=1, budget=Budget.unlimited()) as video,
    ):
        decoded = drained(video, config)
    assert seen(decoded) == seen(decode(io.BytesIO(film), "film.mp4", config))
    needed = needed_bytes(io.BytesIO(film), [frame.index for frame in decoded.frames])
    assert requests.bytes <= 1.2 * needed + 8 * _MEBIBYTE
    assert requests.bytes < len(film)
    assert isinstance(stream, CountedStream)
    assert (stream.requests, stream.bytes_fetched) == (requests.count, requests.bytes)


@pytest.mark.parametrize(
    ("suffix", "times", "options"),
    [
        ("mkv", 2, {}),
        ("ts", 7, {}),
        ("mp4", 5, {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    ],
)
def test_key_frames_that_no_header_lists_are_found_by_reading_the_packets(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    times: int,
    options: dict[str, str],
) -> None:
    """An mkv is fetched twice. FFmpeg reads fragmented mp4 to its end at each of three openings.

    It searches a transport stream for each key frame, and reads more at once than the blocks here.
    """
    block = 32 * 1024
    monkeypatch.setattr("pipeline.storage.s3.ranged_reader.BLOCK_BYTES", block)
    images = [np.roll(clips.texture(1, 320, 192), number, axis=1) for number in range(FRAMES)]
    path = clips.write_clip(
        tmp_path / f"film.{suffix}", images, options=SMALL, rate=6, container_options=options
    )
    data = path.read_bytes()
    assert len(data) > 8 * block
    with RangedReader(lambda start, end: data[start:end], len(data), data[:block]) as reader:
        decoded = decode(reader, path.name, KEY_EVERY_2_SECONDS)
    assert seen(decoded) == seen(decode(io.BytesIO(data), path.name, KEY_EVERY_2_SECONDS))
    assert [frame.index for frame in decoded.frames] == list(range(0, FRAMES, 12))
    # Up to the second key frame, all frames are decoded.
    assert decoded.result.coverage.decoded == 13 + FRAMES // 12 - 2
    assert reader.bytes_fetched <= times * len(data) + 4 * block
    assert decoded.result.note is None


@pytest.mark.parametrize(("suffix", "times"), [("mkv", 1), ("ts", 4)])
def test_packets_that_take_longer_to_fetch_than_to_decode_are_not_read_before(
    tmp_path: Path, suffix: str, times: int
) -> None:
    """FFmpeg reads both ends of a transport stream at each of three openings: here, all of it."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    images = (np.roll(noise, 7 * number, axis=0) for number in range(FRAMES))
    options = {"preset": "ultrafast", "g": "12", "bf": "2", "crf": "8", "sc_threshold": "0"}
    path = clips.write_clip(tmp_path / f"film.{suffix}", images, options=options, rate=6)
    data = path.read_bytes()
    with RangedReader(lambda start, end: data[start:end], len(data), data[:BLOCK_BYTES]) as reader:
        decoded = decode(reader, path.name, KEY_EVERY_2_SECONDS)
    assert reader.bytes_fetched <= times * len(data) + 2 * BLOCK_BYTES
    exact = decode(
        io.BytesIO(data), path.name, Config.model_validate({"sampling": {"every_seconds": 2}})
    )
    assert seen(decoded) == seen(exact)
    assert decoded.result.note is not None
    assert "samples are exact: its header does not list its packets" in decoded.result.note


def test_a_header_that_hides_frames_makes_all_frames_be_decoded(tmp_path: Path) -> None:
    """A plan for shards relies on the header, so one process does, too."""
    images = clips.textures(60)
    whole = clips.write_clip(tmp_path / "whole.mp4", images, options=SMALL, rate=6)
    data = trimmed(whole, tmp_path / "cut.mp4", 0.35).read_bytes()
    with RangedReader(lambda start, end: data[start:end], len(data), data) as reader:
        decoded = decode(reader, "cut.mp4", KEY_EVERY_2_SECONDS)
    assert decoded.result.coverage.skipped == 0
    assert decoded.result.note is not None
    assert "samples are exact: its header hides frames of the video" in decoded.result.note


def test_packets_are_not_read_to_divide_a_video(tmp_path: Path) -> None:
    """It has no index, so it cannot be divided, whatever its packets are."""
    options = {**SMALL, "b": "2000000"}
    images = clips.textures(60, 320, 192)
    path = clips.write_clip(tmp_path / "film.mkv", images, options=options, rate=6)
    data = path.read_bytes()
    grid = SamplingGrid.from_config(KEY_EVERY_2_SECONDS)
    block = 16 * 1024
    with RangedReader(lambda start, end: data[start:end], len(data), data[:block]) as reader:
        video = Video(reader, path.name, Config().limits, threads=1, backend="pyav")
        with pytest.raises(ShardMismatchError, match="no index of all frames"):
            list(video.parts(grid, Division(shard_seconds=1, most_shards=100), RunLog()))
    assert reader.bytes_fetched < len(data) / 2


def test_a_damaged_sample_is_noticed_and_all_frames_are_decoded(film: bytes) -> None:
    with av.open(io.BytesIO(film), "r") as container:
        keys = [
            packet
            for packet in container.demux(container.streams.video[0])
            if packet.is_keyframe and packet.size
        ]
        place, size = keys[6].pos, keys[6].size
    assert place is not None
    damaged = film[: place + 4] + bytes(size - 4) + film[place + size :]
    config = Config.model_validate({"sampling": {"snap": "key", "every_seconds": 4}})

    def fetch(start: int, end: int) -> bytes:
        return damaged[start:end]

    with RangedReader(fetch, len(damaged), damaged[:BLOCK_BYTES]) as reader:
        decoded = decode(reader, "film.mp4", config)
    exact = decode(io.BytesIO(damaged), "film.mp4", Config.model_validate(EVERY_4_SECONDS))
    assert decoded.result.coverage == exact.result.coverage
    assert decoded.result.coverage.lost > 0
    note = decoded.result.note
    assert note is not None
    assert "every frame was decoded, and from 12 s on samples are exact" in note
