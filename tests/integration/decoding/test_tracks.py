"""Files with several video tracks: which one is decoded, and that the result says so."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from pipeline.config.schema import Config
from pipeline.errors import RejectedError
from pipeline.frame import Image, Track
from tests.support import clips
from tests.support.decoding import decode, decode_file
from tests.support.runs import coco_of, run

SMALL, LARGE = (80, 48), (160, 96)


def write_tracks(
    path: Path, tracks: list[tuple[str, int, tuple[int, int], bool]], frames: int = 10
) -> Path:
    """Write tracks: codec, number that the images show, size, and whether it is the default."""
    with av.open(str(path), "w") as container:
        streams = []
        for codec, number, (width, height), is_default in tracks:
            stream = container.add_stream(codec, rate=10)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = Disposition.default if is_default else Disposition(0)
            streams.append((stream, clips.barcode(number, width, height)))
        for _ in range(frames):
            for stream, image in streams:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        for stream, _ in streams:
            container.mux(stream.encode())
    return path


def shown(path: Path) -> tuple[int, Image, Track | None]:
    decoded = decode_file(path)
    image = decoded.frames[0].image
    return clips.read_barcode(image), image, decoded.result.track


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_of_equal_tracks_the_largest_is_decoded(tmp_path: Path, name: str) -> None:
    is_on = name.endswith("mp4")  # FFmpeg switches the first track on if none is
    sizes = SMALL, LARGE, LARGE
    tracks = [("mpeg4", number, size, is_on) for number, size in enumerate(sizes, start=1)]
    number, image, track = shown(write_tracks(tmp_path / name, tracks))
    assert (number, image.shape) == (2, (96, 160, 3))
    assert track == Track(2, 3, ("mpeg4 80x48", "mpeg4 160x96"))


def test_the_track_that_is_marked_as_default_is_decoded_though_it_is_smaller(
    tmp_path: Path,
) -> None:
    tracks = [("mpeg4", 1, LARGE, False), ("mpeg4", 2, SMALL, True), ("mpeg4", 3, LARGE, False)]
    number, image, track = shown(write_tracks(tmp_path / "clip.mkv", tracks))
    assert (number, image.shape) == (2, (48, 80, 3))
    assert track == Track(2, 3, ("mpeg4 160x96", "mpeg4 160x96"))


def test_where_all_tracks_are_marked_as_default_the_largest_is_decoded(tmp_path: Path) -> None:
    tracks = [("mpeg4", 1, SMALL, True), ("libx264", 2, LARGE, True)]
    assert shown(write_tracks(tmp_path / "clip.mkv", tracks))[0] == 2


def test_a_single_track_is_track_one_of_one(tmp_path: Path) -> None:
    assert shown(write_tracks(tmp_path / "clip.mp4", [("mpeg4", 5, SMALL, True)]))[2] == Track()


def write_beside_photo(path: Path, codec: str, *, has_sound: bool) -> Path:
    """Write a film of ten frames, and before it a larger track of one image."""
    with av.open(str(path), "w") as container:
        photo, film = container.add_stream(codec, rate=10), container.add_stream("mpeg4", rate=10)
        assert isinstance(photo, av.VideoStream)
        assert isinstance(film, av.VideoStream)
        photo.width, photo.height = LARGE
        photo.codec_context.time_base = Fraction(1, 10)
        photo.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
        film.width, film.height = SMALL
        if has_sound:
            sound = container.add_stream("pcm_s16le", rate=8000)
            assert isinstance(sound, av.AudioStream)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
            silence.sample_rate = 8000
            container.mux(sound.encode(silence))
        image = av.VideoFrame.from_ndarray(clips.barcode(99, *LARGE), "bgr24")
        container.mux([*photo.encode(image), *photo.encode()])
        for number in range(10):
            image = av.VideoFrame.from_ndarray(clips.barcode(number, *SMALL), "bgr24")
            container.mux(film.encode(image))
        container.mux(film.encode())
    return path


@pytest.mark.parametrize("has_sound", [True, False])
@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mkv", "mjpeg"), ("a.mov", "png"), ("a.mkv", "libx264"), ("a.mov", "libx264")],
)
@pytest.mark.parametrize("every_seconds", [0.5, 100])
def test_a_film_is_read_before_a_larger_track_of_one_image(
    tmp_path: Path, name: str, codec: str, every_seconds: float, *, has_sound: bool
) -> None:
    path = write_beside_photo(tmp_path / name, codec, has_sound=has_sound)
    decoded = decode_file(path, every_seconds=every_seconds)
    shown = [clips.read_barcode(frame.image) for frame in decoded.frames]
    assert shown == ([0, 5] if every_seconds < 1 else [0])
    assert decoded.result.track is not None
    assert decoded.result.track.number == 2


def test_of_tracks_of_one_image_the_first_is_a_video_of_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        packets = []
        for number, (width, height) in enumerate((LARGE, SMALL), start=7):
            stream = container.add_stream("mpeg4", rate=10)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuv420p"
            image = av.VideoFrame.from_ndarray(clips.barcode(number, width, height), "bgr24")
            packets += [*stream.encode(image), *stream.encode()]
        container.mux(packets)
    assert [clips.read_barcode(frame.image) for frame in decode_file(path).frames] == [7]


def damaged_first(folder: Path) -> Path:
    """Write a large H.264 track, of which no frame decodes, and a small one that decodes."""
    tracks = [("libx264", 1, LARGE, True), ("mpeg4", 2, SMALL, True)]
    path = write_tracks(folder / "clip.mkv", tracks)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    for packet in packets:
        assert packet in data
        data = data.replace(packet, bytes(len(packet)))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("every_seconds", [0.1, 100])
def test_if_a_track_yields_no_frame_the_next_one_is_decoded(
    tmp_path: Path, every_seconds: float
) -> None:
    decoded = decode_file(damaged_first(tmp_path), every_seconds=every_seconds)
    assert clips.read_barcode(decoded.frames[0].image) == 2
    assert decoded.result.track == Track(2, 2, ("h264 160x96",))
    assert decoded.log.stage("decode").failed == 0


def test_if_no_track_yields_a_frame_the_video_is_rejected(tmp_path: Path) -> None:
    path = damaged_first(tmp_path)
    clips.zero_bytes(path, 0.3, path.stat().st_size)
    with pytest.raises(RejectedError) as rejection:
        decode_file(path)
    assert rejection.value.reason in {"no_decodable_frame", "no_video_stream"}


def test_the_codecs_of_the_limit_hold_for_the_chosen_track(tmp_path: Path) -> None:
    tracks = [("mjpeg", 1, SMALL, True), ("libx264", 2, LARGE, True)]
    path = write_tracks(tmp_path / "clip.mkv", tracks)
    config = Config.model_validate({"limits": {"codecs": ["mpeg4", "h264"]}})
    with path.open("rb") as stream:
        assert clips.read_barcode(decode(stream, "a", config).frames[0].image) == 2


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"codecs": ["h264", "mpeg2video"]}, "not in limits.codecs"),
        ({"megapixels": 0.01}, "over limits.megapixels"),
    ],
)
@pytest.mark.parametrize("every_seconds", [1, 100])
def test_a_track_beyond_a_limit_is_left_out_if_another_is_within(
    tmp_path: Path, limits: dict[str, object], why: str, every_seconds: float
) -> None:
    tracks = [("mpeg4", 1, LARGE, True), ("libx264", 2, SMALL, True)]
    path = write_tracks(tmp_path / "clip.mkv", tracks)
    settings = {"limits": limits, "sampling": {"every_seconds": every_seconds}}
    with path.open("rb") as stream:
        decoded = decode(stream, "a", Config.model_validate(settings))
    assert clips.read_barcode(decoded.frames[0].image) == 2
    assert decoded.result.track == Track(2, 2, (f"mpeg4 160x96, {why}",))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"codecs": ["vp8", "vp9"]}, "codec_not_allowed"), ({"megapixels": 0.001}, "too_large")],
)
def test_if_all_tracks_are_beyond_a_limit_the_video_is_rejected(
    tmp_path: Path, limits: dict[str, object], reason: str
) -> None:
    tracks = [("mpeg4", 1, LARGE, True), ("libx264", 2, SMALL, True)]
    path = write_tracks(tmp_path / "clip.mkv", tracks)
    with path.open("rb") as stream, pytest.raises(RejectedError) as rejection:
        decode(stream, "a", Config.model_validate({"limits": limits}))
    assert rejection.value.reason == reason


def test_the_result_says_which_track_it_is_of(tmp_path: Path) -> None:
    tracks = [("mpeg4", 1, SMALL, True), ("libx264", 2, LARGE, True)]
    outcome = run(tmp_path / "out", write_tracks(tmp_path / "clip.mp4", tracks))
    info = coco_of(outcome).dataset["info"]
    assert info["track"] == {"number": 2, "count": 2, "ignored": ["mpeg4 80x48"]}
    (report,) = tmp_path.rglob("report.md")
    assert "Video track 2 of 2 was read. Not read: mpeg4 80x48." in report.read_text()


def test_a_file_of_many_tracks_is_not_opened_again_for_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tracks(tmp_path / "a.mkv", [("mpeg4", 1, SMALL, False)] * 60, frames=1)
    opened, open_file = [], av.open

    def count(*arguments: object, **options: object) -> object:
        opened.append(arguments)
        return open_file(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(av, "open", count)
    number, _, track = shown(path)
    assert (number, track) == (1, Track(1, 60, ("mpeg4 80x48",) * 16))
    assert len(opened) < 40
