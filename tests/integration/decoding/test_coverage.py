"""Coverage by evidence: what was lost is counted, and what is whole has no loss."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.coverage import Coverage
from tests.support import clips, container_bytes
from tests.support.decoding import decode_file

COUNT = 100
QUIET_HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=10"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
INDEX_FIRST = {"movflags": "faststart"}
CLIPS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "h264.mp4": ("libx264", {"g": "10", "bf": "2"}, INDEX_FIRST),
    "fragments.mp4": ("libx264", {"g": "10", "bf": "2"}, FRAGMENTS),
    "hevc.mp4": ("libx265", QUIET_HEVC, INDEX_FIRST),
    "mpeg4.mp4": ("mpeg4", {"bf": "2"}, INDEX_FIRST),
    "mjpeg.mov": ("mjpeg", {}, INDEX_FIRST),
    "h264.mkv": ("libx264", {"g": "10", "bf": "2"}, {}),
    "mjpeg.mkv": ("mjpeg", {}, {}),
    "vp8.webm": ("libvpx", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "16"}, {}),
    "vp9.webm": ("libvpx-vp9", {"g": "20", "cpu-used": "8"}, {}),
    "h264.avi": ("libx264", {"g": "10", "bf": "2"}, {}),
    "mpeg4.avi": ("mpeg4", {"bf": "2"}, {}),
    "mjpeg.avi": ("mjpeg", {}, {}),
    "h264.flv": ("libx264", {"g": "10"}, {}),
    "wmv2.wmv": ("wmv2", {"g": "10"}, {}),
    "theora.ogg": ("libtheora", {}, {}),
    "h264.ts": ("libx264", {"g": "10", "bf": "2"}, {}),
    "mpeg2.ts": ("mpeg2video", {"g": "12", "bf": "2"}, {}),
    "mpeg2.mpg": ("mpeg2video", {"g": "12", "bf": "2"}, {}),
    "mpeg1.mpg": ("mpeg1video", {}, {}),
    "mpeg2.m2v": ("mpeg2video", {"g": "12", "bf": "2"}, {}),
    "mpeg2.mxf": ("mpeg2video", {"g": "12", "bf": "2"}, {}),
    "h264.h264": ("libx264", {"g": "10", "bf": "2"}, {}),
    "hevc.hevc": ("libx265", QUIET_HEVC, {}),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all clips, each of 100 frames at 25 a second."""
    folder = tmp_path_factory.mktemp("clips")
    images = clips.textures(COUNT)
    for name, (codec, options, container_options) in CLIPS.items():
        if codec in av.codecs_available:
            clips.write_clip(
                folder / name, images, codec=codec, rate=25, options=options,
                container_options=container_options,
            )  # fmt: skip
    return folder


@pytest.fixture
def clip(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the clip with a name."""
    if CLIPS[request.param][0] not in av.codecs_available:
        pytest.skip("this PyAV cannot write the clip")
    path: Path = tmp_path / request.param
    path.write_bytes((folder / request.param).read_bytes())
    return path


def coverage_of(path: Path, every_seconds: float = 1) -> Coverage:
    coverage = decode_file(path, every_seconds=every_seconds).result.coverage
    assert coverage.lost == sum(missing.frames for missing in coverage.missing_ranges)
    return coverage


def packets_of(path: Path) -> list[tuple[int, int]]:
    """Return the place and the size of each packet of the video."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return [(packet.pos or 0, packet.size) for packet in packets if packet.size]


def zero_packets(path: Path, numbers: set[int]) -> Path:
    """Overwrite packets of a clip with zeros, and return its path."""
    data, packets = bytearray(path.read_bytes()), packets_of(path)
    for number in numbers:
        place, size = packets[number]
        data[place : place + size] = bytes(size)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("clip", CLIPS, indirect=True)
@pytest.mark.parametrize("every_seconds", [0.1, 2])
def test_a_whole_video_has_no_loss(clip: Path, every_seconds: float) -> None:
    coverage = coverage_of(clip, every_seconds)
    assert (coverage.decoded + coverage.skipped, coverage.lost) == (COUNT, 0)
    assert coverage.seconds_short == 0


def zero_end(path: Path) -> Path:
    """Overwrite the last 40 % of a file with zeros."""
    size = path.stat().st_size
    return clips.zero_bytes(path, 0.6, size - round(size * 0.6))


ADDRESSED = [
    "h264.mp4", "hevc.mp4", "mpeg4.mp4", "mjpeg.mov", "h264.mkv", "mjpeg.mkv", "vp8.webm",
    "vp9.webm", "mjpeg.avi",
]  # fmt: skip
"""Clips whose packets can be zeroed one by one, and whose containers say where all of them are."""


@pytest.mark.parametrize("name", ADDRESSED)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(numbers=st.sets(st.integers(1, COUNT - 1), min_size=1, max_size=8))
def test_each_frame_is_decoded_or_lost(
    folder: Path, tmp_path: Path, name: str, numbers: set[int]
) -> None:
    path = tmp_path / name
    path.write_bytes((folder / name).read_bytes())
    coverage = coverage_of(zero_packets(path, numbers))
    assert coverage.decoded + coverage.lost == COUNT
    assert coverage.lost > 0


@pytest.mark.parametrize("name", ADDRESSED)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=st.integers(1, 80), count=st.integers(2, 40))
def test_a_long_damage_is_counted(
    folder: Path, tmp_path: Path, name: str, first: int, count: int
) -> None:
    path = tmp_path / name
    path.write_bytes((folder / name).read_bytes())
    coverage = coverage_of(zero_packets(path, set(range(first, min(COUNT, first + count)))))
    assert coverage.decoded + coverage.lost == COUNT


WITHOUT_CONTAINER = ["mpeg2.m2v", "h264.h264", "hevc.hevc"]
HOLES = [name for name in CLIPS if name not in {"wmv2.wmv", "theora.ogg", *WITHOUT_CONTAINER}]


@pytest.mark.parametrize("clip", [name for name in HOLES if name != "fragments.mp4"], indirect=True)
def test_a_hole_is_missing(clip: Path) -> None:
    size = clip.stat().st_size
    coverage = coverage_of(clips.zero_bytes(clip, 0.4, size // 5))
    assert coverage.decoded + coverage.lost == pytest.approx(COUNT, abs=1)
    assert 15 <= coverage.lost <= 40  # Matroska loses the rest of a cluster
    assert coverage.missing_ranges[0].from_ms / 1000 == pytest.approx(1.6, abs=0.7)


@pytest.mark.parametrize(
    ("clip", "bound"),
    [
        *((name, 1) for name in HOLES if name not in {"mpeg2.ts", "mpeg2.mpg"}),
        # The last frame is damaged, and how many are missing after it shows by the bytes alone.
        *(("mpeg2.ts", 10), ("mpeg2.mpg", 10)),
    ],
    indirect=["clip"],
)
def test_an_end_of_zeros_is_missing(clip: Path, bound: int) -> None:
    coverage = coverage_of(zero_end(clip))
    is_fragmented = clip.name == "fragments.mp4"
    assert coverage.decoded + coverage.lost == pytest.approx(
        COUNT, abs=3 if is_fragmented else bound
    )
    assert coverage.missing_ranges[-1].to_ms == pytest.approx(4000, abs=40 * bound + 120)


@pytest.mark.parametrize("clip", WITHOUT_CONTAINER, indirect=True)
def test_an_end_of_zeros_without_a_container_is_missing(clip: Path) -> None:
    coverage = coverage_of(zero_end(clip))
    assert 50 <= coverage.decoded <= 70
    # How many are missing shows by the bytes alone.
    assert coverage.decoded + coverage.lost == pytest.approx(COUNT, abs=10)


@pytest.mark.parametrize("clip", WITHOUT_CONTAINER, indirect=True)
def test_zeros_that_fill_up_packets_are_no_loss(clip: Path) -> None:
    places = [place for place, _ in packets_of(clip)]
    data = clip.read_bytes()
    ends = [*places[1:], len(data)]
    fill = bytes(max(end - place for place, end in zip(places, ends, strict=True)) // 2)
    units = (data[place:end] for place, end in zip(places, ends, strict=True))
    clip.write_bytes(b"".join(unit + fill for unit in units))
    assert coverage_of(clip) == Coverage(COUNT)


def test_fragments_behind_a_hole_are_missing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    data = (folder / "fragments.mp4").read_bytes()
    places = [place for place in range(len(data)) if data[place + 4 : place + 8] == b"moof"]
    hole = places[6] - places[5]
    path.write_bytes(data[: places[5]] + bytes(hole) + data[places[6] :])
    coverage = coverage_of(path)
    assert coverage.decoded <= 50
    assert coverage.decoded + coverage.lost == pytest.approx(COUNT, abs=3)
    path.write_bytes(data + container_bytes.box(b"free", bytes(len(data))))
    assert coverage_of(path) == Coverage(COUNT)


def test_frames_in_scrambled_packets_are_missing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.ts"
    data = bytearray((folder / "h264.ts").read_bytes())
    first = packets_of(folder / "h264.ts")[50][0]
    for at in range(first, len(data), 3 * TS_PACKET):
        if not data[at + 3] & 0x20:  # only data, no clock
            data[at + 3] |= 0x80
            data[at + 4 : at + TS_PACKET] = bytes(
                byte ^ 0xA5 for byte in data[at + 4 : at + TS_PACKET]
            )
    path.write_bytes(data)
    coverage = coverage_of(path)
    assert coverage.decoded < COUNT
    assert coverage.decoded + coverage.lost == pytest.approx(COUNT, abs=10)


def test_the_zeroed_end_of_a_long_mp4_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    images = (clips.texture(number, 96, 64) for number in range(300))
    clips.write_clip(path, images, rate=10, container_options=INDEX_FIRST)
    coverage = coverage_of(zero_end(path))
    assert coverage.decoded + coverage.lost == 300
    assert coverage.share < 0.75
    assert coverage.missing_ranges[-1].to_ms == 30_000


KNOWS_ITS_LENGTH = [
    "h264.mp4",
    "mjpeg.mov",
    "h264.mkv",
    "vp8.webm",
    "mjpeg.avi",
    "h264.flv",
    "wmv2.wmv",
]


@pytest.mark.parametrize("clip", KNOWS_ITS_LENGTH, indirect=True)
def test_an_end_that_was_cut_off_is_missing(clip: Path) -> None:
    coverage = coverage_of(clips.cut_off(clip, 0.6))
    assert coverage.decoded < 65
    assert coverage.decoded + coverage.lost == pytest.approx(COUNT, abs=2)


def test_the_fragment_that_was_cut_off_is_missing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes((folder / "fragments.mp4").read_bytes())
    coverage = coverage_of(clips.cut_off(path, 0.6))
    # The index of a fragment comes before it; those after it are unknown.
    assert 0 < coverage.lost <= 10
    assert coverage.missing_ranges[-1].from_ms == coverage.decoded * 40


def test_the_fragments_that_were_cut_off_are_missing_if_the_header_has_their_length(
    tmp_path: Path,
) -> None:
    path = tmp_path / "clip.mp4"
    clips.write_clip(
        path, clips.textures(COUNT), rate=25, options={"g": "10"}, container_options=FRAGMENTS
    )
    path.write_bytes(container_bytes.add_fragments_length(path.read_bytes(), milliseconds=4000))
    assert coverage_of(path).lost == 0
    coverage = coverage_of(clips.cut_off(path, 0.6))
    assert coverage.decoded + coverage.lost == pytest.approx(COUNT, abs=2)


def write_with_sound(path: Path, seconds: int) -> Path:
    """Write a clip of 50 frames, or 2 seconds, with sound that is longer."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"g": "10"})
        sound = container.add_stream("aac", rate=48_000)
        assert isinstance(video, av.VideoStream)
        assert isinstance(sound, av.AudioStream)
        for number, image in enumerate(clips.textures(50)):
            if not number:
                video.height, video.width = image.shape[:2]
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(video.encode())
        for number in range(seconds * 10):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=4800)
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            frame.sample_rate, frame.pts = 48_000, 4800 * number
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


@pytest.mark.parametrize("name", ["clip.mkv", "clip.flv", "clip.mp4", "clip.ts"])
@pytest.mark.parametrize("every_seconds", [0.1, 1.9])
def test_sound_that_is_longer_is_no_loss(tmp_path: Path, name: str, every_seconds: float) -> None:
    coverage = coverage_of(write_with_sound(tmp_path / name, seconds=12), every_seconds)
    assert (coverage.decoded + coverage.skipped, coverage.lost) == (50, 0)
    assert coverage.seconds_short == 0


def with_pauses(path: Path, times: list[int]) -> Path:
    """Write a clip whose frames come at these multiples of 40 ms."""
    return clips.write_clip(
        path, clips.textures(len(times)), options={"g": "10"}, rate=25,
        times_ms=[40 * time for time in times],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.flv"])
def test_a_pause_is_no_loss(tmp_path: Path, name: str) -> None:
    # A recorder that left out a frame now and then, and one that paused for half a minute.
    times = [n for n in range(100) if n % 33] + list(range(850, 900))
    assert coverage_of(with_pauses(tmp_path / name, times)) == Coverage(len(times))


@pytest.mark.parametrize("seconds", [30, 20_000])
def test_a_jump_of_the_clock_is_no_loss(tmp_path: Path, seconds: int) -> None:
    parts = [
        clips.write_clip(
            tmp_path / f"{number}.ts",
            clips.textures(60),
            rate=25,
            options={"g": "10"},
            container_options={"output_ts_offset": str(offset)},
        )
        for number, offset in enumerate([0, seconds])
    ]
    path = clips.join(tmp_path / "joined.ts", parts)
    coverage = coverage_of(path)
    assert (coverage.decoded, coverage.lost) == (120, 0)


TS_PACKET = 188


def without_packets(path: Path, first: int, last: int) -> Path:
    """Leave out the packets of a transport stream that hold some frames, as a network does."""
    places = [place for place, _ in packets_of(path)]
    data = path.read_bytes()
    path.write_bytes(data[: places[first]] + data[places[last] :])
    return path


@pytest.mark.parametrize("clip", ["h264.ts", "mpeg2.ts"], indirect=True)
def test_frames_that_a_network_lost_are_missing(clip: Path) -> None:
    coverage = coverage_of(without_packets(clip, 40, 52))
    assert coverage.decoded + coverage.lost == COUNT
    assert coverage.lost >= 12


@pytest.mark.parametrize("muxer", ["smjpeg", "mpjpeg"])
def test_a_mark_of_the_end_is_no_damage(folder: Path, tmp_path: Path, muxer: str) -> None:
    path = tmp_path / "clip"
    with (
        av.open(str(folder / "mjpeg.avi")) as reader,
        av.open(str(path), "w", format=muxer) as writer,
    ):
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        for packet in _packets(reader, stream):
            packet.stream = copy
            writer.mux(packet)
    _, result, log = decode_file(path, every_seconds=0.01)
    assert (result.coverage, log.stages["decode"].failed) == (Coverage(COUNT), 0)
    zero_end(path)
    assert decode_file(path, every_seconds=0.01).log.stages["decode"].failed > 0


def rewritten(source: Path, target: Path, *, empty: set[int], lost: set[int]) -> Path:
    """Copy the packets of a clip: some without their data, and some not at all."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        for number, packet in enumerate(_packets(reader, stream)):
            if number in lost:
                continue
            kept = av.Packet(b"" if number in empty else bytes(packet))
            kept.pts, kept.dts, kept.time_base = packet.pts, packet.dts, packet.time_base
            kept.is_keyframe, kept.stream = packet.is_keyframe, copy
            writer.mux(kept)
    return target


def _packets(
    reader: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.Packet[av.VideoStream]]:
    return (packet for packet in reader.demux(stream) if packet.size)


@pytest.mark.parametrize("clip", ["mjpeg.avi"], indirect=True)
@pytest.mark.parametrize("every_seconds", [0.2, 2])
def test_an_empty_packet_is_no_frame_and_no_loss(
    clip: Path, tmp_path: Path, every_seconds: float
) -> None:
    empty = {5, 6, 7, 40, 41, 77}
    path = rewritten(clip, tmp_path / "empty.avi", empty=empty, lost=set())
    frames, result, _ = decode_file(path, every_seconds=every_seconds)
    coverage = result.coverage
    assert (coverage.decoded + coverage.skipped, coverage.lost) == (94, 0)
    slots = [number for number in range(COUNT) if number not in empty]
    assert [frame.pts_ms for frame in frames] == [40 * slots[frame.index] for frame in frames]
    assert len(frames) == 4 / every_seconds


@pytest.mark.parametrize("clip", ["mjpeg.mkv"], indirect=True)
def test_frames_that_were_never_written_are_no_loss(clip: Path, tmp_path: Path) -> None:
    path = rewritten(clip, tmp_path / "less.mkv", empty=set(), lost={3, 50, 51, 52})
    assert coverage_of(path) == Coverage(96)


@pytest.mark.parametrize("clip", CLIPS, indirect=True)
def test_sparse_sampling_says_the_same_of_damage(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips.zero_bytes(clip, 0.6, clip.stat().st_size // 10)
    monkeypatch.setattr("pipeline.decoding.packet_reading.SEEK_COST_FRAMES", 0)
    monkeypatch.setattr("pipeline.decoding.strategy.SEEK_COST_FRAMES", 0)
    sparse = coverage_of(clip, every_seconds=1.9)
    whole = coverage_of(clip, every_seconds=0.01)
    assert (sparse.decoded + sparse.skipped, sparse.lost) == (whole.decoded, whole.lost)
    assert sparse.seconds_short == whole.seconds_short


def test_sparse_sampling_notices_an_end_that_does_not_decode(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "mjpeg.mov"
    data, (place, size) = (folder / path.name).read_bytes(), packets_of(folder / path.name)[-1]
    # Its first bytes stay, so that the packet looks whole.
    path.write_bytes(data[: place + 40] + bytes(size - 40) + data[place + size :])
    whole, sparse = coverage_of(path, 0.01), coverage_of(path, 50)
    assert (whole.decoded, whole.lost) == (sparse.decoded, sparse.lost) == (COUNT - 1, 1)


@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4", "clip.mkv", "clip.m2v", "clip.ts"])
def test_a_frame_exactly_at_a_sample_is_sampled(tmp_path: Path, name: str) -> None:
    codec = "mpeg2video" if name.endswith("m2v") else "libx264"
    images = clips.textures(61)
    path = clips.write_clip(tmp_path / name, images, codec=codec, rate=30, options={"bf": "2"})
    frames = decode_file(path, every_seconds=0.5).frames
    assert [frame.index for frame in frames] == [0, 15, 30, 45, 60]
    assert [frame.pts_ms for frame in frames] == [0, 500, 1000, 1500, 2000]


@pytest.mark.parametrize(
    ("name", "codec"), [("clip.m1v", "mpeg1video"), ("clip.m2v", "mpeg2video")]
)
@pytest.mark.parametrize("rate", [25, Fraction(30_000, 1001)])
def test_frame_n_of_an_elementary_stream_is_at_n_periods(
    tmp_path: Path, name: str, codec: str, rate: int | Fraction
) -> None:
    images = clips.barcodes(60)
    path = clips.write_clip(tmp_path / name, images, codec=codec, rate=rate, options={"bf": "2"})
    frames = decode_file(path, every_seconds=0.001).frames
    assert [clips.read_barcode(frame.image) for frame in frames] == list(range(60))
    assert [frame.pts_ms for frame in frames] == [
        round(float(1000 * n / Fraction(rate)), 3) for n in range(60)
    ]


def test_fields_that_are_shown_again_take_time_in_an_elementary_stream(tmp_path: Path) -> None:
    path = clips.write_clip(
        tmp_path / "clip.m2v", clips.textures(12), codec="mpeg2video", rate=25, options={"bf": "0"}
    )
    path.write_bytes(container_bytes.repeat_fields(path.read_bytes()))
    frames = decode_file(path, every_seconds=0.001).frames
    assert [frame.pts_ms for frame in frames] == [100 * (n // 2) + 60 * (n % 2) for n in range(12)]
