"""Photos and cover images: each is told from a film, and the film beside a cover is found."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image as PillowImage

from pipeline.decoding.backend import BackendName
from pipeline.errors import RejectedError
from tests.support import clips, protection
from tests.support.container_bytes import box, boxes
from tests.support.decoding import decode_file


@pytest.fixture(params=["opencv", "pyav"])
def backend(request: pytest.FixtureRequest) -> BackendName:
    name: BackendName = request.param
    return name


def write_photo(path: Path) -> Path:
    PillowImage.fromarray(clips.texture(1)).save(path)
    return path


def write_photo_with_previews(path: Path) -> Path:
    """Write a JPEG with two more behind it, as phones do: a preview, and a map of depth."""
    path.write_bytes(write_photo(path).read_bytes() * 3)
    return path


def write_motion_photo(path: Path) -> Path:
    """Write a JPEG with a short film behind it, in which JPEG images seem to begin by chance."""
    film = clips.write_clip(path.with_suffix(".mp4"), clips.textures(20)).read_bytes()
    path.write_bytes(write_photo(path).read_bytes() + film + b"\xff\xd8\xff\xe0" * 99)
    return path


def write_avif(path: Path) -> Path:
    return clips.write_clip(path, [clips.texture(1)], codec="libsvtav1")


def write_heic(path: Path) -> Path:
    """Write the beginning of a HEIC photo of 12 tiles. Its tiles are never read."""
    tile = box(b"infe", b"\2\0\0\0" + b"\0\1" + bytes(2) + b"hvc1\0")
    items = box(b"iinf", bytes(4) + (12).to_bytes(2) + tile * 12)
    handler = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    meta = box(b"meta", bytes(4) + handler + items)
    path.write_bytes(
        box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + meta + box(b"mdat", b"x" * 99)
    )
    return path


def write_raw_photo(path: Path) -> Path:
    """Write what looks like a CR3: its brand, and an index with the preview as a film."""
    clip = clips.write_clip(path.with_suffix(".mov"), [clips.texture(1)], codec="mjpeg")
    first, *others = boxes(clip.read_bytes())
    assert first[0] == b"ftyp"
    path.write_bytes(
        box(b"ftyp", b"crx \0\0\0\1crx isom") + b"".join(box(*each) for each in others)
    )
    return path


def reason_of(path: Path, backend: BackendName) -> str:
    with pytest.raises(RejectedError) as rejection:
        decode_file(path, backend=backend)
    assert str(rejection.value).startswith(path.name)
    return rejection.value.reason


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("photo.jpg", write_photo),
        ("phone.jpg", write_photo_with_previews),
        ("motion.jpg", write_motion_photo),
        ("photo.png", write_photo),
        ("photo.gif", write_photo),
        ("photo.webp", write_photo),
        ("photo.bmp", write_photo),
        ("photo.tiff", write_photo),
        ("photo.jp2", write_photo),
        ("photo.heic", write_heic),
        ("photo.avif", write_avif),
        ("photo.cr3", write_raw_photo),
    ],
)
def test_a_photo_is_not_a_video(
    tmp_path: Path, backend: BackendName, name: str, write: Callable[[Path], Path]
) -> None:
    assert reason_of(write(tmp_path / name), backend) == "not_a_video"


def test_an_animated_avif_is_read_past_its_first_photo(tmp_path: Path) -> None:
    images = clips.barcodes(20)
    path = clips.write_clip(tmp_path / "film.avif", images, codec="libsvtav1", rate=10)
    frames = decode_file(path, every_seconds=0.5).frames
    assert [clips.read_barcode(frame.image) for frame in frames] == [0, 5, 10, 15]
    assert reason_of(path, "opencv") == "no_video_stream"


def test_the_film_beside_a_cover_is_found(tmp_path: Path) -> None:
    images = clips.barcodes(20)
    path = clips.write_clip(tmp_path / "film.wmv", images, codec="wmv2", rate=10)
    cover = write_photo(tmp_path / "cover.png").read_bytes()
    protection.add_asf_cover(path, cover)
    frames = decode_file(path, every_seconds=0.5).frames
    assert [clips.read_barcode(frame.image) for frame in frames] == [0, 5, 10, 15]
    with pytest.raises(RejectedError, match="cover image, which OpenCV takes for the video"):
        decode_file(path, backend="opencv")


def write_sound_with_cover(path: Path, sound: str, *, is_marked: bool = True) -> Path:
    """Write a second of silence with a JPEG beside it, marked as its cover or as a film."""
    photo = write_photo(path.with_suffix(".jpg"))
    with av.open(str(path), "w") as container, av.open(str(photo)) as cover:
        audio = container.add_stream(sound, rate=48_000)
        assert isinstance(audio, av.AudioStream)
        audio.bit_rate = 64_000
        picture = container.add_stream_from_template(cover.streams.video[0])
        if is_marked:
            picture.disposition = av.stream.Disposition.attached_pic
        packet = next(cover.demux())
        packet.stream, packet.pts, packet.dts = picture, 0, 0
        silence = av.AudioFrame(format=audio.format.name, layout="mono", samples=1024)
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        silence.sample_rate = 48_000
        encoded = audio.encode(silence) + audio.encode()
        container.mux([packet, *encoded] if is_marked else [*encoded, packet])
    return path


@pytest.mark.parametrize(
    ("name", "sound", "reason"),
    [
        ("song.mp3", "libmp3lame", "not_a_video"),
        ("song.flac", "flac", "not_a_video"),
        ("song.mp4", "aac", "no_video_stream"),
    ],
)
def test_sound_with_a_cover_has_no_video(
    tmp_path: Path, backend: BackendName, name: str, sound: str, reason: str
) -> None:
    assert reason_of(write_sound_with_cover(tmp_path / name, sound), backend) == reason


@pytest.mark.parametrize(("name", "sound"), [("song.wma", "wmav2"), ("song.mkv", "aac")])
def test_a_single_photo_beside_sound_is_a_cover(tmp_path: Path, name: str, sound: str) -> None:
    path = write_sound_with_cover(tmp_path / name, sound, is_marked=False)
    assert reason_of(path, "pyav") == "no_video_stream"
