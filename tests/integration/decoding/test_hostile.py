"""Hostile files: each ends with a reason or as the video it is, and touches nothing else."""

import io
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.schema import Config, LimitsConfig
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.errors import RejectedError
from pipeline.frame import Frame
from pipeline.runlog import RunLog
from tests.support import clips, container_bytes, hostile_files
from tests.support.file_watch import Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

# What is a video after all: its frames are its own, whatever else it names or counts.
VIDEOS = (
    "mov, data elsewhere",
    "mkv, segment",
    "mkv, font",
    "mkv, a giant",
    "mkv, giant",
    "mkv, 10,000",
    "mp4, 2^31 entries of stco",
    "mp4, 2^32 entries of stco",
    "avi,",
    "png, 64x64, then",
)
REASONS = {
    "mp4, 70 hours": "too_long",
    "mp4, 300 streams": "too_many_streams",
    "mp4, 2000 streams": "too_many_streams",
    "mp4, 10,000 nested udta": "truncated",
    "mp4, 10,000 nested meta": "truncated",
    "ts, 200 programs of 20 streams": "no_decodable_frame",
    "png, 16000x16000": "too_large",
    "png, 16000x16000 under 64x64": "too_large",
    "png, 250000x1000": "no_decodable_frame",
}


class Traps:
    """A decoy file, and a socket that listens."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.decoy = clips.write_clip(folder / "decoy.ts", [clips.texture(1, 64, 48)] * 20)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)  # noqa: FBT003 - its only argument
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/decoy.ts"
        self._watch = Watch(folder)

    def untouched(self) -> bool:
        """Tell that nobody opened the file, or called."""
        try:
            caller, _ = self._server.accept()
        except BlockingIOError:
            return not self._watch.touched()
        caller.close()
        return False

    def close(self) -> None:
        self._server.close()
        self._watch.close()


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traps]:
    traps = Traps(tmp_path_factory.mktemp("hostile") / "decoys")
    yield traps
    traps.close()


def decode(data: bytes, name: str, limits: LimitsConfig | None = None) -> list[Frame]:
    video = Video(io.BytesIO(data), name, limits or LimitsConfig(), threads=1)
    return list(video.frames(Sampler(SamplingGrid.from_config(Config())), RunLog()))


def reason_of(data: bytes, name: str, limits: LimitsConfig | None = None) -> str:
    with pytest.raises(RejectedError) as caught:
        decode(data, name, limits)
    assert str(caught.value).startswith(name)
    return caught.value.reason


def test_the_traps_snap(traps: Traps) -> None:
    assert traps.untouched()
    traps.decoy.read_bytes()
    assert not traps.untouched()
    with socket.create_connection(("127.0.0.1", int(traps.url.split(":")[2].split("/")[0]))):
        assert not traps.untouched()
    assert traps.untouched()


@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "ts"])
def test_what_is_no_video_is_told_and_touches_nothing(
    traps: Traps, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.chdir(traps.decoy.parent)
    for name, data in hostile_files.no_videos(traps.decoy, traps.url).items():
        assert reason_of(data, f"trap.{suffix}") == "not_a_video", name
        assert traps.untouched(), name


def test_an_odd_video_is_told_or_decoded_and_touches_nothing(
    traps: Traps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = hostile_files.odd_videos(tmp_path, traps.decoy, traps.url)
    monkeypatch.chdir(traps.decoy.parent)
    for name, data in files.items():
        if name.startswith(VIDEOS):
            assert clips.read_barcode(decode(data, name)[0].image) == 0, name
        else:
            assert reason_of(data, name) == REASONS.get(name, "no_video_stream"), name
        assert traps.untouched(), name


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"megapixels": 0.0153}, "too_large"),
        ({"hours": 0.0002}, "too_long"),
        ({}, None),
    ],
)
@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "h264.ts", "mpeg4.avi"])
def test_limits(tmp_path: Path, name: str, limits: dict[str, float], reason: str | None) -> None:
    data = hostile_files.clip(tmp_path, name)
    if reason is None:
        assert decode(data, name, LimitsConfig.model_validate(limits))
    else:
        assert reason_of(data, name, LimitsConfig.model_validate(limits)) == reason


def test_a_limit_is_named_with_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    data = hostile_files.clip(tmp_path, "h264.mp4")
    with pytest.raises(RejectedError) as caught:
        decode(data, "clip.mp4", LimitsConfig(megapixels=0.01))
    assert str(caught.value) == (
        "clip.mp4 has pictures of 160x96 (0.0 megapixels); the limit is 0.01. "
        "Scale the video down, or raise limits.megapixels and the memory."
    )


def test_more_streams_than_allowed(tmp_path: Path) -> None:
    mp4 = hostile_files.clip(tmp_path, "h264.mp4")
    moov = dict(container_bytes.boxes(mp4))[b"moov"]
    trak = next(payload for kind, payload in container_bytes.boxes(moov) if kind == b"trak")
    four = container_bytes.insert_in_moov(mp4, container_bytes.box(b"trak", trak) * 3)
    assert reason_of(four, "four.mp4", LimitsConfig(streams=3)) == "too_many_streams"
    assert len(decode(four, "four.mp4", LimitsConfig(streams=4))) == 1
