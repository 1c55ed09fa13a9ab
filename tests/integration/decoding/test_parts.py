"""Parts of a video: each decoded alone, together they are the video as one process decodes it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.config.schema import Config
from pipeline.decoding.division import Division
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.runlog import RunLog
from tests.support import clips
from tests.support.parts import decode, decode_in_parts, drained, plan_of, trimmed, video_of

FRAMES = 60
EACH_SEGMENT = Division(shard_seconds=1, most_shards=100)


def h264(path: Path, x264: str = "", **options: object) -> Path:
    """Return 6 seconds of H.264 with a key frame every 10 frames and B-frames between."""
    images = clips.textures(FRAMES)
    encoder = {"g": "10", "bf": "2", "x264-params": x264}
    return clips.write_clip(path, images, options=encoder, **options)  # type: ignore[arg-type]


def variable_rate(path: Path) -> Path:
    """Return a clip with a pause of 2.5 seconds, whose first frame is not at time 0."""
    times_ms = [700 + 70 * number + 2500 * (number >= 25) + number % 3 for number in range(FRAMES)]
    return h264(path, times_ms=times_ms)


def without_beginning(path: Path) -> Path:
    """Return a clip whose first frame needs a key frame that is hidden."""
    return trimmed(h264(path.with_name("whole.mp4")), path, 0.35)


def hevc(path: Path) -> Path:
    """Return a clip whose B-frames before a key frame need frames from before it."""
    options = {"x265-params": "log-level=none:keyint=10:bframes=3:open-gop=1"}
    return clips.write_clip(path, clips.textures(FRAMES), codec="libx265", options=options)


def all_key_frames(path: Path) -> Path:
    """Return a clip of which each frame is a key frame."""
    return clips.write_clip(path.with_suffix(".mov"), clips.textures(FRAMES), codec="mjpeg")


def interlaced(path: Path) -> Path:
    """Return a clip whose images need the frames before and after."""
    return h264(path, "tff=1")


CLIPS: dict[str, Callable[[Path], Path]] = {
    "closed": h264,
    "open": lambda path: h264(path, "open-gop=1"),
    "hevc": hevc,
    "variable rate": variable_rate,
    "without beginning": without_beginning,
    "all key frames": all_key_frames,
    "interlaced": interlaced,
}


@pytest.fixture(scope="module", params=CLIPS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return CLIPS[request.param](tmp_path_factory.mktemp("clips") / "clip.mp4")


def config_of(segment_seconds: float = 1, **sampling: float | str) -> Config:
    return Config.model_validate({"sampling": sampling, "segment": {"seconds": segment_seconds}})


CONFIGS = [
    config_of(every_seconds=0.04),
    config_of(1.5, every_seconds=0.3, start_seconds=0.2),
    config_of(every_seconds=0.7, end_seconds=3.9),
    config_of(every_seconds=1.7),
    config_of(every_seconds=0.3, pick="on_show"),
    config_of(1.5, every_seconds=0.7, start_seconds=0.2, end_seconds=5.1, pick="on_show"),
]


def test_parts_give_the_frames_of_the_whole_video(clip: Path) -> None:
    for config in CONFIGS:
        whole, result = decode(clip, config)
        plan = plan_of(clip, config, EACH_SEGMENT)
        assert len(plan.shards) >= 2
        frames, last, decoded = decode_in_parts(clip, config, plan)
        assert frames == whole
        assert decoded == result.coverage.decoded
        assert (last.duration_ms, last.start_ms) == (result.duration_ms, result.start_ms)
        assert (last.display, last.track) == (result.display, result.track)


def test_sparse_samples_are_those_that_one_process_seeks(tmp_path: Path) -> None:
    options = {"g": "5"}
    path = clips.write_clip(tmp_path / "clip.mp4", clips.textures(120), options=options)
    config = config_of(every_seconds=5)
    whole, result = decode(path, config)
    frames, _, decoded = decode_in_parts(path, config, plan_of(path, config, EACH_SEGMENT))
    assert result.coverage.skipped > 0
    assert frames == whole
    assert decoded == result.coverage.decoded + result.coverage.skipped


@pytest.mark.parametrize(
    "config",
    [
        config_of(every_seconds=0.3, snap="key"),
        config_of(1.5, every_seconds=0.7, start_seconds=0.2, end_seconds=5.1, snap="key"),
        config_of(every_seconds=1.7, snap="key", pick="on_show"),
        config_of(every_seconds=0.6, snap="key"),
    ],
)
def test_parts_give_the_key_frames_of_the_whole_video(clip: Path, config: Config) -> None:
    whole, result = decode(clip, config)
    plan = plan_of(clip, config, EACH_SEGMENT)
    assert len(plan.shards) >= 2
    parts = [decode(clip, config, plan.part(shard.number)) for shard in plan.shards]
    assert [frame for frames, _ in parts for frame in frames] == whole
    decoded = sum(each.coverage.decoded for _, each in parts)
    skipped = sum(each.coverage.skipped for _, each in parts)
    assert (decoded, skipped) == (result.coverage.decoded, result.coverage.skipped)
    is_exact = "every frame was decoded" in (result.note or "")
    assert is_exact == (plan.facts.snap_obstacle is not None)
    assert is_exact or decoded + skipped == plan.facts.frames
    assert is_exact == (plan.facts.key_frame_seconds == 0)
    assert {each.note for _, each in parts} == {result.note}
    last = parts[-1][1]
    assert (last.duration_ms, last.start_ms) == (result.duration_ms, result.start_ms)
    assert (last.display, last.track) == (result.display, result.track)


def test_reference_frames_are_decoded_by_one_process(tmp_path: Path) -> None:
    clip = h264(tmp_path / "clip.mp4")
    assert "snap=reference" in reason(clip, config_of(snap="reference"))


def test_a_division_limits_the_number_of_parts(tmp_path: Path) -> None:
    plan = plan_of(h264(tmp_path / "clip.mp4"), config_of(), Division(1, most_shards=3))
    assert [shard.first_segment for shard in plan.shards] == [0, 2, 4]


def test_parts_without_a_key_frame_join_the_one_before(tmp_path: Path) -> None:
    options = {"g": "25", "sc_threshold": "0"}
    path = clips.write_clip(tmp_path / "clip.mp4", clips.textures(FRAMES), options=options)
    plan = plan_of(path, config_of(), EACH_SEGMENT)
    indexes = [shard.start.index for shard in plan.shards if shard.start]
    # Parts begin with the last key frame before their first grid point.
    assert [shard.first_segment for shard in plan.shards] == [0, 3]
    assert indexes == [25]


def reason(path: Path, config: Config | None = None) -> str:
    """Return why a clip cannot be divided."""
    with pytest.raises(ShardMismatchError) as raised:
        plan_of(path, config or config_of(), EACH_SEGMENT)
    return str(raised.value)


@pytest.mark.parametrize("suffix", ["mkv", "ts", "avi"])
def test_other_containers_have_no_full_index(tmp_path: Path, suffix: str) -> None:
    path = h264(tmp_path / f"clip.{suffix}")
    assert reason(path) == "Its container has no index of all frames."


def test_fragments_have_no_full_index(tmp_path: Path) -> None:
    flags = {"movflags": "frag_keyframe+empty_moov"}
    path = h264(tmp_path / "clip.mp4", container_options=flags)
    assert reason(path) == "Its container has no index of all frames."


def test_a_file_that_is_cut_off_is_found_out_by_its_index(tmp_path: Path) -> None:
    path = h264(tmp_path / "clip.mp4", container_options={"movflags": "faststart"})
    assert reason(clips.cut_off(path, 0.8)) == "Its index lists packets that are not in the file."


def test_one_process_may_end_elsewhere_if_samples_are_far_apart(tmp_path: Path) -> None:
    config = config_of(every_seconds=4.5, end_seconds=5)
    assert "one process seeks" in reason(h264(tmp_path / "clip.mp4"), config)


def test_opencv_cannot_begin_at_a_frame(tmp_path: Path) -> None:
    config = config_of()
    with h264(tmp_path / "clip.mp4").open("rb") as stream:
        video = Video(stream, "clip", config.limits, threads=1, backend="opencv")
        with pytest.raises(ShardMismatchError, match="pyav"):
            drained(video.parts(SamplingGrid.from_config(config), EACH_SEGMENT, RunLog()))


def test_damage_is_found_out_when_the_part_is_decoded(tmp_path: Path) -> None:
    config = config_of()
    path = clips.zero_bytes(h264(tmp_path / "clip.mp4"), 0.5, 2000)
    plan = plan_of(path, config, EACH_SEGMENT)
    with pytest.raises(ShardMismatchError):
        decode_in_parts(path, config, plan)


def test_a_stream_without_real_key_frames_is_found_out(tmp_path: Path) -> None:
    config = config_of()
    path = h264(tmp_path / "clip.mp4", "intra-refresh=1")
    plan = plan_of(path, config, EACH_SEGMENT)
    with pytest.raises(ShardMismatchError):
        decode_in_parts(path, config, plan)


def test_a_changed_aspect_ratio_is_found_out(tmp_path: Path) -> None:
    config = config_of()
    wide = h264(tmp_path / "wide.mp4", sample_aspect_ratio=Fraction(4, 3))
    plan = plan_of(h264(tmp_path / "square.mp4"), config, EACH_SEGMENT)
    with pytest.raises(ShardMismatchError):
        decode_in_parts(wide, config, plan)


@pytest.mark.parametrize("other", ["open", "all key frames"])
def test_the_plan_of_another_video_is_found_out(tmp_path: Path, other: str) -> None:
    config = config_of()
    plan = plan_of(variable_rate(tmp_path / "clip.mp4"), config, EACH_SEGMENT)
    with pytest.raises(ShardMismatchError):
        decode_in_parts(CLIPS[other](tmp_path / "other.mp4"), config, plan)


@pytest.mark.parametrize("config", [config_of(), config_of(snap="key")], ids=["exact", "key"])
def test_a_part_reads_only_its_own_bytes(tmp_path: Path, config: Config) -> None:
    images = (clips.texture(number % 20, 320, 240) for number in range(300))
    options = {"g": "5", "sc_threshold": "0", "qp": "10", "preset": "ultrafast"}
    path = clips.write_clip(tmp_path / "clip.mp4", images, options=options)
    division = Division(10, 100)
    plan = plan_of(path, config, division)
    opening = 200_000  # the headers, read several times, and the first frames
    a_second = path.stat().st_size / 30
    assert a_second > opening / 2
    log = RunLog()
    with path.open("rb") as stream:
        drained(video_of(stream, config).parts(SamplingGrid.from_config(config), division, log))
    # Where packets are read to know that all are sound, planning alone does it.
    packets = path.stat().st_size if config.sampling.snap == "key" else 0
    assert log.stage("fetch").items_out < opening + 2 * a_second + packets
    for shard in plan.shards:
        log = RunLog()
        sampler = Sampler(SamplingGrid.from_config(config), plan.part(shard.number))
        with path.open("rb") as stream:
            drained(video_of(stream, config).frames(sampler, log))
        assert log.stage("fetch").items_out < opening + 12 * a_second
