"""The estimate that decides whether one invocation does a video."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.work_estimate import work_seconds
from pipeline.config.schema import Config
from pipeline.decoding.key_frame import VideoFacts
from pipeline.frame import Display, Track


def facts(
    seconds: float,
    fps: float = 30.0,
    size: tuple[int, int] = (1920, 1080),
    key_frame_seconds: float = 2.0,
    snap_obstacle: str | None = None,
) -> VideoFacts:
    return VideoFacts(
        frames=round(seconds * fps),
        first_ms=Fraction(0),
        start_ms=0.0,
        seconds=seconds,
        display=Display(),
        ratio="1:1",
        track=Track(0, 1, ()),
        width=size[0],
        height=size[1],
        fps=fps,
        key_frame_seconds=key_frame_seconds,
        snap_obstacle=snap_obstacle,
    )


def estimate(video: VideoFacts, cpus: float = 1.0, **sections: dict[str, object]) -> float:
    return work_seconds(video, Config.model_validate(sections), cpus)


def test_an_hour_of_full_hd_on_one_cpu() -> None:
    """By hand, in ms: 108,000 frames of 3.258 decoded; 3,600 of 1.985 + 21.3 + 6.063 each."""
    milliseconds = 108_000 * 3.2583 + 3600 * (1.9849 + 21.3 + 6.0631)
    assert estimate(facts(3600)) == pytest.approx(3 + milliseconds / 1000 + 36, rel=1e-3)


def test_more_cpus_larger_images_and_tiles_count() -> None:
    hour = estimate(facts(3600))
    assert estimate(facts(3600), cpus=2.0) < 0.6 * hour
    assert estimate(facts(3600, size=(3840, 2160))) > 2 * hour
    assert estimate(facts(3600), detector={"tiles": 2}) > hour + 3600 * 4 * 0.021
    assert estimate(facts(3600), output={"images": False}) < hour


def test_only_the_sampled_range_counts() -> None:
    part = estimate(facts(3600), sampling={"start_seconds": 600, "end_seconds": 1200})
    assert part == pytest.approx(estimate(facts(600)), rel=0.01)
    assert estimate(facts(60), sampling={"start_seconds": 100}) == pytest.approx(3)


def test_frames_between_samples_far_apart_are_not_decoded() -> None:
    assert estimate(facts(36_000), sampling={"every_seconds": 60}) < 0.1 * estimate(facts(36_000))


def test_key_frames_alone_are_a_small_part_of_decoding() -> None:
    exact, keys = (
        estimate(facts(36_000), sampling={"snap": snap, "every_seconds": 2})
        for snap in ("exact", "key")
    )
    # By hand: 1,080,000 frames, and 18,000 key frames as 6 each.
    assert exact - keys == pytest.approx((1_080_000 - 108_000) * 3.2583 / 1000, rel=1e-3)


def test_between_key_frames_far_apart_all_frames_are_decoded() -> None:
    near, far = facts(3600, key_frame_seconds=2.0), facts(3600, key_frame_seconds=10.0)
    assert estimate(near, sampling={"snap": "key"}) < 0.5 * estimate(near)
    assert estimate(far, sampling={"snap": "key"}) == estimate(far)
    # With a sample each 5 seconds, key frames alone are samples.
    keys = estimate(far, sampling={"snap": "key", "every_seconds": 5})
    assert keys < 0.5 * estimate(far, sampling={"every_seconds": 5})


def test_an_obstacle_to_key_frames_makes_all_frames_count() -> None:
    video = facts(36_000, snap_obstacle="samples are exact: its frames are interlaced")
    sampling = {"snap": "key", "every_seconds": 60}
    # By hand: all 1,080,000 frames, though samples are far apart.
    assert estimate(video, sampling=sampling) > 1_080_000 * 3.2583 / 1000


@pytest.mark.parametrize("archive", ["zip", "tar"])
def test_an_archive_is_copied_by_its_size(archive: str) -> None:
    saved = estimate(facts(3600)) - estimate(facts(3600), output={"archive": archive})
    # By hand: 36 s for 3,600 copies; 3,600 images of 0.42 MB at 100 MB a second.
    assert saved == pytest.approx(36 - 15, abs=0.2)
    without = {"archive": archive, "images": False}
    assert estimate(facts(60), output=without) == estimate(facts(60), output={"images": False})


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6), st.floats(1, 240), st.floats(0.3, 6))
def test_a_longer_video_never_takes_less(a: float, b: float, fps: float, cpus: float) -> None:
    shorter, longer = sorted((a, b))
    assert estimate(facts(shorter, fps), cpus) <= estimate(facts(longer, fps), cpus) * 1.001 + 0.1
