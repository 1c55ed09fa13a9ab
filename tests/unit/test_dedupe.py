"""Near-duplicates: known answers, and the vectorised search against a plain one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from imagehash import ImageHash

from pipeline.config import Dedupe
from pipeline.dedupe import Deduplicator
from pipeline.frame import Frame, Twin
from pipeline.selection import Selection
from tests.clips import texture


def bits(number: int, size: int = 8) -> ImageHash:
    flat = [(number >> n) & 1 == 1 for n in range(size * size)]
    return ImageHash(np.array(flat).reshape(size, size))


def verdicts(numbers: list[int], **config: object) -> list[Twin | None]:
    judge = Deduplicator(Dedupe.model_validate(config), "duplicate")
    return [judge.twin_of(index, bits(number)) for index, number in enumerate(numbers)]


def test_the_threshold_is_the_largest_distance_still_a_duplicate() -> None:
    found = verdicts([0b0, 0b1111, 0b11111], max_distance=4)
    assert found == [None, Twin(0, 4, "duplicate"), None]


def test_zero_drops_only_equal_hashes() -> None:
    assert verdicts([5, 5, 4], max_distance=0) == [None, Twin(0, 0, "duplicate"), None]


def test_the_twin_is_the_nearest_kept_frame_and_the_latest_of_equals() -> None:
    found = verdicts([0b0, 0b111111, 0b111], max_distance=3)
    assert found[2] == Twin(1, 3, "duplicate")


def test_a_dropped_frame_is_nobodys_twin() -> None:
    # 2 is within reach of 1, but 1 was dropped; 0 is out of 2's reach.
    assert verdicts([0b0, 0b11, 0b1111], max_distance=2) == [None, Twin(0, 2, "duplicate"), None]


def test_only_the_last_kept_frames_are_compared_with() -> None:
    far, further = 0xFF, 0xFF00
    assert verdicts([0, far, further, 0], compare_with=2)[3] is None
    assert verdicts([0, far, further, 0], compare_with=3)[3] == Twin(0, 0, "duplicate")


@given(
    numbers=st.lists(st.integers(0, 2**12 - 1), max_size=150),
    reach=st.integers(0, 6),
    look_back=st.none() | st.integers(1, 10),
)
def test_equals_a_plain_search(numbers: list[int], reach: int, look_back: int | None) -> None:
    kept: list[int] = []
    expected: list[Twin | None] = []
    for index, number in enumerate(numbers):
        near = [
            (bits(number) - bits(numbers[other]), -other) for other in kept[-(look_back or 0) :]
        ]
        distance, twin = min(near, default=(99, 0))
        if distance <= reach:
            expected.append(Twin(-twin, distance, "duplicate"))
        else:
            expected.append(None)
            kept.append(index)
    assert verdicts(numbers, max_distance=reach, compare_with=look_back) == expected


def frame(index: int, segment: int, picture: int) -> Frame:
    return Frame(index, index * 1000.0, segment, texture(picture))


def test_segments_start_afresh_and_the_merge_drops_across_them() -> None:
    selection = Selection(Dedupe())
    a, b, c = 1, 2, 3
    rows = [
        selection.judge(each, selection.fingerprint(each))
        for each in (
            frame(0, 0, a), frame(1, 0, a), frame(2, 0, b),
            frame(3, 1, b), frame(4, 1, b), frame(5, 1, c),
        )
    ]  # fmt: skip
    assert [row.twin for row in rows] == [
        None,
        Twin(0, 0, "duplicate"),
        None,
        Twin(2, 0, "duplicate_across_segments"),
        Twin(3, 0, "duplicate"),  # within its segment: its twin's own row leads on to frame 2
        None,
    ]


def test_none_keeps_all_and_hashes_nothing() -> None:
    selection = Selection(Dedupe(method="none"))
    rows = [selection.judge(frame(index, 0, 1), None) for index in range(3)]
    assert selection.fingerprint(frame(0, 0, 1)) is None
    assert [(row.twin, row.hash) for row in rows] == [(None, None)] * 3


def test_more_frames_are_kept_than_there_was_room_for() -> None:
    judge = Deduplicator(Dedupe(max_distance=0), "duplicate")
    assert all(judge.twin_of(number, bits(number)) is None for number in range(200))
    assert judge.twin_of(200, bits(0)) == Twin(0, 0, "duplicate")
    assert judge.twin_of(201, bits(150)) == Twin(150, 0, "duplicate")
