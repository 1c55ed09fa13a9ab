"""The time limit: what is stopped early, what is stopped before the end, and what never is."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.errors import CapacityError
from pipeline.resources.budget import Budget
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from pipeline.resources.time_limit import TimeLimit
from tests.support.deadlines import ManualDeadline

FUNCTION = Capacity(megabytes=3008, seconds=900)

time_outs = st.integers(30, 900)
frame_counts = st.integers(1, 400)
frame_seconds = st.floats(0.001, 60)


class Run:
    """A run that has a sampled frame in each second of video."""

    def __init__(self, seconds: float, frames: int, capacity: Capacity | None = None) -> None:
        self.deadline = ManualDeadline(seconds)
        self.given, self.frames, self.done = seconds, frames, 0
        self.video_seconds: float | None = frames
        self.limit = TimeLimit("cam.mp4", Budget(self.deadline, capacity), None)

    def work(self, seconds: float, *, is_written: bool = False) -> None:
        """Process the next frame in so many seconds."""
        self.done += 1
        self.deadline.spend(seconds)
        self.limit.add_frame(self.done, self.video_seconds, is_written=is_written)

    def work_on(self, seconds: float) -> None:
        """Process frame after frame, until the run is stopped."""
        while True:
            self.work(seconds)

    def fits(self, seconds: float) -> bool:
        """Tell whether so many seconds leave the reserve."""
        return seconds < self.given - self.limit.reserve_seconds - 0.001

    @property
    def worked_seconds(self) -> float:
        return self.given - self.deadline.seconds_left()


@given(time_outs, frame_counts, frame_seconds)
def test_a_video_that_fits_at_a_steady_speed_is_never_stopped(
    seconds: int, frames: int, each: float
) -> None:
    run = Run(seconds, frames)
    assume(run.fits(frames * each))
    for _ in range(frames):
        run.work(each)


@given(time_outs, frame_counts, frame_seconds, st.lists(frame_seconds, min_size=10, max_size=10))
def test_a_video_that_fits_is_not_stopped_for_a_slow_start(
    seconds: int, frames: int, each: float, start: list[float]
) -> None:
    run = Run(seconds, frames + len(start))
    assume(run.fits(frames * each + sum(start)))
    for each_frame in [*start, *[each] * frames]:
        run.work(each_frame)


def test_a_first_frame_that_takes_half_of_the_time_is_not_extrapolated() -> None:
    run = Run(900, 400)
    run.work(450)
    for _ in range(399):
        run.work(1)


def test_a_video_whose_first_half_takes_twice_as_long_as_its_second_is_not_stopped() -> None:
    run = Run(900, 400)
    for each in [2.9] * 200 + [1.45] * 200:  # 870 of 880 seconds
        run.work(each)


def test_a_slow_scene_in_the_middle_is_not_taken_for_the_speed_of_the_rest() -> None:
    run = Run(900, 400)
    for each in [1] * 100 + [5] * 60 + [1] * 240:
        run.work(each)


@given(time_outs, st.lists(st.floats(0.5, 1), min_size=1, max_size=400), st.floats(0.01, 4))
def test_a_video_that_fits_is_not_stopped_while_its_speed_varies_within_a_factor_of_two(
    seconds: int, frames: list[float], scale: float
) -> None:
    run = Run(seconds, len(frames))
    assume(run.fits(sum(frames) * scale))
    for each in frames:
        run.work(each * scale)


@given(time_outs, st.integers(100, 10_000), st.floats(3, 1000))
def test_a_video_that_cannot_fit_is_stopped_after_two_stretches(
    seconds: int, frames: int, times_too_long: float
) -> None:
    run = Run(seconds, frames)
    each = seconds * times_too_long / frames
    two_stretches = 2 * max(10 * each, min(20, 0.05 * seconds) + each)
    assume(run.fits(two_stretches))
    with pytest.raises(CapacityError) as error:
        run.work_on(each)
    assert error.value.reason == "too_long_for_function"
    assert run.worked_seconds <= two_stretches + 0.001


@given(time_outs, st.floats(0.01, 5))
def test_a_video_of_unknown_length_is_stopped_when_only_the_reserve_is_left(
    seconds: int, each: float
) -> None:
    run = Run(seconds, 1)
    run.video_seconds = None
    with pytest.raises(CapacityError, match="no length or a wrong one"):
        run.work_on(each)
    assert run.worked_seconds <= seconds - run.limit.reserve_seconds + each + 0.001
    assert run.worked_seconds >= seconds - run.limit.reserve_seconds - 0.001


def test_each_export_writes_each_image_once_more() -> None:
    limit = TimeLimit("cam.mp4", Budget(ManualDeadline(900), None), None, copies=3)
    for second in range(1000):
        limit.add_frame(second, 1000, is_written=True)
    assert limit.reserve_seconds == pytest.approx(20 + 3 * 10)


@pytest.mark.parametrize(("seconds", "files", "reserve"), [
    (900, 0, 20), (900, 1000, 30), (60, 0, 9), (30, 0, 4.5), (30, 50, 5),
])  # fmt: skip
def test_the_reserve_grows_with_what_is_to_be_published(
    seconds: int, files: int, reserve: float
) -> None:
    run = Run(seconds, files)
    for _ in range(files):
        run.work(0.001, is_written=True)
    assert run.limit.reserve_seconds == pytest.approx(reserve)
    run.deadline.spend(run.deadline.seconds_left() - reserve - 0.1)
    run.limit.check()
    run.deadline.spend(0.2)
    with pytest.raises(CapacityError):
        run.limit.check()


def test_only_the_part_that_is_sampled_must_fit() -> None:
    deadline = ManualDeadline(900)
    limit = TimeLimit("cam.mp4", Budget(deadline), end_seconds=100)
    for second in range(1, 101):
        deadline.spend(5)
        limit.add_frame(second, 36_000, is_written=False)


def test_without_a_deadline_nothing_is_stopped() -> None:
    limit = TimeLimit("cam.mp4", Budget.unlimited(), None)
    limit.check()
    for second in range(100):
        limit.add_frame(second, 1e9, is_written=True)


def test_a_deadline_that_is_over_stops_the_run_at_once() -> None:
    limit = TimeLimit("cam.mp4", Budget(Deadline.after(0), FUNCTION), None)
    with pytest.raises(
        CapacityError, match=r"After 0 seconds of work, no sampled frame was done\."
    ):
        limit.check()


def test_the_message_says_how_far_it_came_what_there_is_and_what_to_do() -> None:
    run = Run(880, 7200, Capacity(3008, 600))
    with pytest.raises(CapacityError) as error:
        run.work_on(2)
    assert str(error.value) == (
        "cam.mp4 takes longer than the function may run. After 40 seconds of work, 20 of 7200 "
        "seconds of video were done; at this speed all of it takes about 14400 seconds. "
        "The run had 880 seconds, the function has 600 seconds and 3008 MB; the last 20 are kept "
        "for writing the result. Raise TimeoutSeconds (at most 900), raise MemoryMegabytes (at "
        "most 10240; more memory gives more CPUs), sample more sparsely "
        "(sampling.every_seconds), or cut the video into parts."
    )


def test_the_largest_function_is_not_told_to_grow() -> None:
    run = Run(880, 7200, Capacity(10_240, 900))
    with pytest.raises(CapacityError) as error:
        run.work_on(2)
    assert str(error.value).endswith(
        ". Sample more sparsely (sampling.every_seconds), or cut the video into parts."
    )
