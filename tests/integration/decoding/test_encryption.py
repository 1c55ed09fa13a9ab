"""Encrypted videos: each is rejected by name, where its frames would decode to grey or to noise."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from pipeline.decoding.backend import BackendName
from pipeline.errors import RejectedError
from tests.support import clips, protection
from tests.support.container_bytes import overwrite
from tests.support.decoding import decode

VIDEO_PID = 0x100
TENC_PROTECTED = b"tenc" + bytes(6) + b"\1\x08"


@pytest.fixture(params=["opencv", "pyav"])
def backend(request: pytest.FixtureRequest) -> BackendName:
    name: BackendName = request.param
    return name


def clip(folder: Path, name: str, codec: str = "libx264", **options: str) -> bytes:
    path = folder / name
    images, rate = clips.textures(50), 25
    clips.write_clip(path, images, codec=codec, rate=rate, container_options=options)
    return path.read_bytes()


def cenc(folder: Path) -> bytes:
    return clip(folder, "clip.mp4", **protection.CENC)


def fragmented_cenc(folder: Path) -> bytes:
    return clip(folder, "clip.mp4", movflags="frag_keyframe+empty_moov", **protection.CENC)


def cbcs(folder: Path) -> bytes:
    return cenc(folder).replace(b"schm\0\0\0\0cenc", b"schm\0\0\0\0cbcs")


def cenc_without_tables(folder: Path) -> bytes:
    """Return a file that is called protected, and says of no sample how it is encrypted."""
    path = clips.write_clip(
        folder / "a.mp4", clips.textures(50), options={"g": "1"}, container_options=protection.CENC
    )
    data = path.read_bytes()
    for kind in (b"senc", b"saiz", b"saio"):
        data = data.replace(kind, b"free")
    return data


def fairplay(folder: Path) -> bytes:
    return cenc(folder).replace(b"encv", b"drmi")


def webm(folder: Path) -> bytes:
    return protection.add_to_track(clip(folder, "a.webm", "libvpx"), protection.WEBM_ENCRYPTION)


def wmv(folder: Path) -> bytes:
    return protection.add_asf_object(clip(folder, "a.wmv", "wmv2"), "encryption", bytes(16))


def extended_wmv(folder: Path) -> bytes:
    data = clip(folder, "a.wmv", "wmv2")
    return protection.add_asf_object(data, "extended encryption", bytes(16))


def scrambled_ts(folder: Path) -> bytes:
    return protection.scramble_ts(clip(folder, "a.ts"), {VIDEO_PID})


def scrambled_pes(folder: Path) -> bytes:
    return protection.scramble_pes(clip(folder, "a.ts"), VIDEO_PID)


def sample_aes(folder: Path) -> bytes:
    return protection.mark_as_sample_aes(clip(folder, "a.ts"))


def scrambled_ps(folder: Path) -> bytes:
    return protection.scramble_ps(clip(folder, "a.vob", "mpeg2video"))


@pytest.mark.parametrize(
    "write",
    [
        cenc,
        fragmented_cenc,
        cbcs,
        cenc_without_tables,
        fairplay,
        webm,
        wmv,
        extended_wmv,
        scrambled_ts,
        scrambled_pes,
        sample_aes,
        scrambled_ps,
    ],
)
def test_an_encrypted_video_is_rejected(
    tmp_path: Path, backend: BackendName, write: Callable[[Path], bytes]
) -> None:
    with pytest.raises(RejectedError) as rejection:
        decode(io.BytesIO(write(tmp_path)), "film", backend=backend)
    assert rejection.value.reason == "encrypted"
    assert "Upload it without encryption" in str(rejection.value)


def test_what_the_test_calls_encrypted_is_encrypted(tmp_path: Path) -> None:
    with av.open(io.BytesIO(cenc(tmp_path)), "r") as container:
        packet = next(container.demux(video=0))
        assert packet.has_sidedata("encryption_info")
    key = {"decryption_key": "5a" * 16}
    with av.open(io.BytesIO(cenc(tmp_path)), "r", container_options=key) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert abs(frames[7].astype(int) - clips.texture(7)).mean() < 10


def unprotected_entry(folder: Path) -> bytes:
    """An entry that is called protected, of which the defaults say that nothing is encrypted."""
    data = clip(folder, "clip.mp4")
    entry = data.index(b"avc1", data.index(b"stsd"))
    protected = protection.clear_protection(b"avc1")
    return protection.add_to_sample_entry(data, entry - 4, b"encv", protected)


def clear_samples(folder: Path) -> bytes:
    """An entry that is called protected, though nothing says how to decrypt the samples."""
    return called_protected(clip(folder, "clip.mp4"))


def called_protected(data: bytes) -> bytes:
    entry = data.index(b"avc1", data.index(b"stsd"))
    protected = protection.clear_protection(b"avc1").replace(b"tenc" + bytes(8), TENC_PROTECTED)
    return protection.add_to_sample_entry(data, entry - 4, b"encv", protected)


def ts_with_scrambled_sound(folder: Path) -> bytes:
    return protection.scramble_ts(clip(folder, "a.ts"), {VIDEO_PID + 1})


def ts_that_begins_scrambled(folder: Path) -> bytes:
    data = clip(folder, "a.ts")
    return protection.scramble_ts(data[: 188 * 5], {VIDEO_PID}) + data[188 * 5 :]


def ts_scrambled_for_most_of_its_time(folder: Path) -> bytes:
    data = clip(folder, "a.ts", "mpeg2video")
    clear = len(data) // 188 * 2 // 3 * 188
    return protection.scramble_ts(data[:clear], {VIDEO_PID}) + data[clear:]


def ps_that_begins_scrambled(folder: Path) -> bytes:
    data = clip(folder, "a.vob", "mpeg2video")
    clear = len(data) // 2048 // 8 * 2048
    return protection.scramble_ps(data[:clear]) + data[clear:]


@pytest.mark.parametrize(
    "write",
    [
        unprotected_entry,
        clear_samples,
        ts_with_scrambled_sound,
        ts_that_begins_scrambled,
        ts_scrambled_for_most_of_its_time,
        ps_that_begins_scrambled,
    ],
)
def test_a_video_that_can_be_seen_is_not_called_encrypted(
    tmp_path: Path, write: Callable[[Path], bytes]
) -> None:
    assert decode(io.BytesIO(write(tmp_path)), "film").frames


def test_a_protected_video_without_a_decodable_frame_is_called_encrypted(tmp_path: Path) -> None:
    data = clear_samples(tmp_path).replace(b"avcC", b"free")
    start = data.index(b"mdat") + 4
    with pytest.raises(RejectedError) as rejection:
        decode(io.BytesIO(overwrite(data, start, b"\x5a" * 2000)), "film")
    assert rejection.value.reason == "encrypted"


def test_a_protected_video_of_which_one_frame_decodes_is_called_encrypted(
    tmp_path: Path, backend: BackendName
) -> None:
    """Noise can decode by chance. With OpenCV, the failed frames after it look like the end."""
    path = clips.write_clip(tmp_path / "a.mp4", clips.textures(50), options={"g": "1"})
    data = called_protected(path.read_bytes())
    with av.open(io.BytesIO(data), "r") as container:
        packets = container.demux(video=0)
        places = [(packet.pos, packet.size) for packet in packets if packet.pos is not None]
    del places[1]
    for place, size in places:
        data = overwrite(data, place, b"\x5a" * size)
    with pytest.raises(RejectedError) as rejection:
        decode(io.BytesIO(data), "film", backend=backend)
    assert rejection.value.reason == "encrypted"
