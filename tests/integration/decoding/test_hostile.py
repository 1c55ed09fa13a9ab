"""Hostile files: each is rejected or decoded, and none makes the reader open another file."""

import io
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.schema import Config
from pipeline.decoding.backend import BackendName
from pipeline.errors import RejectedError
from pipeline.frame import Frame
from tests.support import clips, hostile_files
from tests.support.decoding import decode
from tests.support.file_watch import FileWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify exists on Linux only")

# The beginnings of the names of files that can be decoded, in spite of their headers.
DECODABLE = (
    "mov, data in another file",
    "mkv, segments",
    "mkv, attached font",
    "mkv, a giant",
    "mkv, giant",
    "mkv, 10,000",
    "mp4, 2^31 entries of stco",
    "mp4, 2^32 entries of stco",
    "avi,",
    "png, 64x64, then",
)
# The reasons of the others; `no_video_stream` if they are not listed.
REASONS = {
    "HLS, disguised as mp4": "truncated",
    "HLS, disguised as a recording of Hikvision": "not_a_video",
    "HLS, disguised as raw H.264": "not_a_video",
    "HLS, disguised as y4m": "no_decodable_frame",
    "HLS, disguised as GIF": "not_a_video",
    "HLS, disguised as a media segment": "media_segment",
    "ffconcat, disguised as MIME": "no_decodable_frame",
    "mp4, 70 hours": "too_long",
    "mp4, 300 streams": "too_many_streams",
    "mp4, 2000 streams": "too_many_streams",
    "mp4, 10,000 nested udta": "truncated",
    "mp4, 10,000 nested meta": "truncated",
    "ts, 200 programs of 20 streams": "no_decodable_frame",
    "png, 16000x16000": "too_large",
    "png, 16000x16000, header says 64x64": "too_large",
    "png, 250000x1000": "no_decodable_frame",
}


class Decoys:
    """A file that nobody may open, and a server that nobody may call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.file = clips.write_clip(folder / "decoy.ts", [clips.texture(1, 64, 48)] * 20)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)  # noqa: FBT003 - it has no name
        self.address: tuple[str, int] = self._server.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}/decoy.ts"
        self._watch = FileWatch(folder)

    def were_used(self) -> bool:
        """Tell whether the file was opened or the server was called since the last call."""
        try:
            connection, _ = self._server.accept()
        except BlockingIOError:
            return self._watch.was_read()
        connection.close()
        return True

    def close(self) -> None:
        self._server.close()
        self._watch.close()


@pytest.fixture(scope="module")
def decoys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoys]:
    decoys = Decoys(tmp_path_factory.mktemp("hostile") / "decoys")
    yield decoys
    decoys.close()


@pytest.fixture(params=["opencv", "pyav"])
def backend(request: pytest.FixtureRequest) -> BackendName:
    name: BackendName = request.param
    return name


def frames_of(data: bytes, name: str, backend: BackendName, **limits: float) -> list[Frame]:
    config = Config.model_validate({"limits": limits})
    return decode(io.BytesIO(data), name, config, backend=backend).frames


def reason_of(data: bytes, name: str, backend: BackendName, **limits: float) -> str:
    with pytest.raises(RejectedError) as rejection:
        frames_of(data, name, backend, **limits)
    assert str(rejection.value).startswith(name)
    return rejection.value.reason


def test_the_decoys_notice_an_opened_file_and_a_connection(decoys: Decoys) -> None:
    assert not decoys.were_used()
    decoys.file.read_bytes()
    assert decoys.were_used()
    with socket.create_connection(decoys.address):
        assert decoys.were_used()
    assert not decoys.were_used()


@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "ts"])
def test_a_file_that_is_not_a_video_is_rejected_and_opens_nothing(
    decoys: Decoys, monkeypatch: pytest.MonkeyPatch, suffix: str, backend: BackendName
) -> None:
    monkeypatch.chdir(decoys.file.parent)
    for name, data in hostile_files.other_files(decoys.file, decoys.url).items():
        assert reason_of(data, f"clip.{suffix}", backend) == "not_a_video", name
        assert not decoys.were_used(), name


def test_a_hostile_video_is_rejected_or_decoded_and_opens_nothing(
    decoys: Decoys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: BackendName
) -> None:
    files = hostile_files.hostile_videos(tmp_path, decoys.file, decoys.url)
    monkeypatch.chdir(decoys.file.parent)
    for name, data in files.items():
        if name.startswith(DECODABLE):
            assert clips.read_barcode(frames_of(data, name, backend)[0].image) == 0, name
        else:
            assert reason_of(data, name, backend) == REASONS.get(name, "no_video_stream"), name
        assert not decoys.were_used(), name


@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "h264.ts", "mpeg4.avi"])
def test_a_video_that_exceeds_a_limit_is_rejected(
    tmp_path: Path, name: str, backend: BackendName
) -> None:
    data = hostile_files.clip(tmp_path, name)
    assert reason_of(data, name, backend, megapixels=0.0153) == "too_large"
    assert reason_of(data, name, backend, hours=0.0002) == "too_long"
    assert frames_of(data, name, backend)


def test_a_rejection_names_the_size_the_limit_and_the_remedy(tmp_path: Path) -> None:
    data = hostile_files.clip(tmp_path, "h264.mp4")
    with pytest.raises(RejectedError) as rejection:
        frames_of(data, "clip.mp4", "opencv", megapixels=0.01)
    assert str(rejection.value) == (
        "clip.mp4 has pictures of 160x96 (0.0 megapixels); the limit is 0.01. "
        "Scale the video down, or raise limits.megapixels and the memory."
    )


def test_a_video_with_more_streams_than_the_limit_is_rejected(
    tmp_path: Path, backend: BackendName
) -> None:
    four_streams = hostile_files.repeat_track(hostile_files.clip(tmp_path, "h264.mp4"), 3)
    assert reason_of(four_streams, "clip.mp4", backend, streams=3) == "too_many_streams"
    assert len(frames_of(four_streams, "clip.mp4", backend, streams=4)) == 1
