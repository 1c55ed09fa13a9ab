"""Which videos are refused because their images do not fit the memory of the function."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.memory import memory_shortage
from pipeline.resources.capacity import Capacity

sides = st.integers(16, 16_000)
memories = st.integers(512, 10_240)
threads = st.integers(1, 6)


def shortage(width: int, height: int, megabytes: int, cpus: int = 1) -> str | None:
    capacity = Capacity(megabytes, 900)
    return memory_shortage(width, height, cpus, capacity, stored_pixels=width * height)


@pytest.mark.parametrize(
    ("width", "height", "megabytes", "fits"),
    [
        (7680, 4320, 512, False),
        (7680, 4320, 546, True),  # at most this was measured for one frame
        (4320, 7680, 512, False),
        (3840, 2160, 512, True),
        (16_000, 16_000, 2700, False),
        (16_000, 16_000, 2800, True),
    ],
)
def test_a_video_is_refused_only_if_its_fewest_images_do_not_fit(
    width: int, height: int, megabytes: int, *, fits: bool
) -> None:
    assert (shortage(width, height, megabytes) is None) is fits


def test_the_sentence_has_the_figures_and_the_remedy() -> None:
    assert shortage(7680, 4320, 512) == (
        "has images of 7680x4320 (33.2 megapixels, 95 MB each). It needs at least 537 MB of "
        "memory: 3 images at a time, the decoder's picture, and 205 MB for the processes; up to "
        "1486 MB while all stages are busy. The function has 512 MB. Raise MemoryMegabytes to 1486 "
        "or more, or scale the video down: ffmpeg -i IN -vf scale=1920:-2 OUT.mp4"
    )


def test_where_no_function_is_large_enough_the_remedy_is_to_scale_down() -> None:
    sentence = shortage(16_000, 16_000, 2000, cpus=6)
    assert sentence is not None
    assert ". Scale the video down" in sentence


@given(sides, sides, memories, memories, threads)
def test_a_larger_function_never_refuses_what_a_smaller_one_accepts(
    width: int, height: int, one: int, other: int, cpus: int
) -> None:
    smaller, larger = sorted((one, other))
    if shortage(width, height, smaller, cpus) is None:
        assert shortage(width, height, larger, cpus) is None


@given(sides, sides, memories, threads)
def test_the_number_of_cpus_does_not_decide(
    width: int, height: int, megabytes: int, cpus: int
) -> None:
    one, several = (shortage(width, height, megabytes, count) for count in (1, cpus))
    assert (one is None) is (several is None)
