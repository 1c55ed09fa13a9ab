"""Near-duplicates: known answers, and the vectorised search against a plain one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagehash import ImageHash

from pipeline.config.schema import DedupeConfig, HashMethodName
from pipeline.deduplication.deduplicator import Deduplicator
from pipeline.deduplication.fingerprint import (
    AREA_MEANS,
    MAX_MEAN_DIFFERENCE,
    MIN_TEXTURE_TO_DIFFER,
    MIN_TEXTURE_TO_MATCH,
    Fingerprint,
)
from pipeline.deduplication.selection import FrameSelector
from pipeline.frame import DuplicateMatch, Frame, Image
from tests.support.clips import texture
from tests.support.scenes import selected

METHODS: list[HashMethodName] = ["phash", "dhash", "average_hash", "whash"]


def bits(number: int, size: int = 8) -> ImageHash:
    flat = [(number >> n) & 1 == 1 for n in range(size * size)]
    return ImageHash(np.array(flat).reshape(size, size))


def fingerprint(
    number: int, tone: int, *, texture_: float = MIN_TEXTURE_TO_DIFFER, luma: int = 100
) -> Fingerprint:
    return Fingerprint(bits(number), np.full(AREA_MEANS, tone, dtype=np.uint8), texture_, luma)


def matches(fingerprints: list[Fingerprint], **config: object) -> list[DuplicateMatch | None]:
    deduplicator = Deduplicator(DedupeConfig.model_validate(config))
    found = []
    for index, each in enumerate(fingerprints):
        found.append(deduplicator.find_duplicate(each))
        if found[-1] is None:
            deduplicator.keep(index, each)
    return found


def matches_by_hash(numbers: list[int], **config: object) -> list[DuplicateMatch | None]:
    """Judge by bits alone, as of crisp frames."""
    return matches(
        [fingerprint(number, 0, texture_=MIN_TEXTURE_TO_DIFFER + 1) for number in numbers], **config
    )


def flat(*colour: int) -> Image:
    return np.full((96, 160, 3), colour, dtype=np.uint8)


def kept(images: list[Image], **config: object) -> list[int]:
    rows = selected(images, DedupeConfig.model_validate(config))
    return [row.index for row in rows if row.is_kept]


def test_the_threshold_is_the_largest_distance_still_a_duplicate() -> None:
    found = matches_by_hash([0b0, 0b1111, 0b11111], max_distance=4)
    assert found == [None, DuplicateMatch(0, 4, "duplicate"), None]


def test_zero_drops_only_equal_hashes() -> None:
    assert matches_by_hash([5, 5, 4], max_distance=0) == [
        None,
        DuplicateMatch(0, 0, "duplicate"),
        None,
    ]


def test_the_twin_is_the_nearest_kept_frame_and_the_latest_of_equals() -> None:
    found = matches_by_hash([0b0, 0b111111, 0b111], max_distance=3)
    assert found[2] == DuplicateMatch(1, 3, "duplicate")


def test_a_dropped_frame_is_nobodys_twin() -> None:
    # 2 is within reach of 1, but 1 was dropped; 0 is out of 2's reach.
    assert matches_by_hash([0b0, 0b11, 0b1111], max_distance=2) == [
        None,
        DuplicateMatch(0, 2, "duplicate"),
        None,
    ]


def test_only_the_last_kept_frames_are_compared_with() -> None:
    far, further = 0xFF, 0xFF00
    assert matches_by_hash([0, far, further, 0], compare_with=2)[3] is None
    assert matches_by_hash([0, far, further, 0], compare_with=3)[3] == DuplicateMatch(
        0, 0, "duplicate"
    )


@given(
    numbers=st.lists(st.integers(0, 2**12 - 1), max_size=150),
    reach=st.integers(0, 6),
    look_back=st.none() | st.integers(1, 10),
)
def test_equals_a_plain_search(numbers: list[int], reach: int, look_back: int | None) -> None:
    kept: list[int] = []
    expected: list[DuplicateMatch | None] = []
    for index, number in enumerate(numbers):
        near = [
            (bits(number) - bits(numbers[other]), -other) for other in kept[-(look_back or 0) :]
        ]
        distance, twin = min(near, default=(99, 0))
        if distance <= reach:
            expected.append(DuplicateMatch(-twin, distance, "duplicate"))
        else:
            expected.append(None)
            kept.append(index)
    assert matches_by_hash(numbers, max_distance=reach, compare_with=look_back) == expected


def test_equal_tones_make_a_twin_of_a_frame_that_is_not_crisp() -> None:
    found = matches(
        [fingerprint(0, 20), fingerprint(0xFFFF, 20 + MAX_MEAN_DIFFERENCE), fingerprint(0xFF, 40)]
    )
    assert found == [None, DuplicateMatch(0, 16, "same_colours"), None]


def test_between_crisp_frames_bits_alone_decide() -> None:
    crisp = [fingerprint(number, 20, texture_=MIN_TEXTURE_TO_DIFFER + 1) for number in (0, 0xFFFF)]
    assert matches(crisp) == [None, None]


def test_bits_tell_nothing_of_a_frame_without_texture() -> None:
    assert matches(
        [fingerprint(0, 20), fingerprint(0, 90, texture_=MIN_TEXTURE_TO_MATCH), fingerprint(0, 160)]
    ) == [
        None,
        None,
        DuplicateMatch(0, 0, "duplicate"),
    ]


def test_what_lay_in_the_dark_is_kept_once_it_is_lit() -> None:
    dark, lit = fingerprint(0, 20, luma=20), fingerprint(0, 90, luma=90)
    assert matches([dark, lit]) == [None, None]
    assert matches([lit, dark]) == [None, DuplicateMatch(0, 0, "duplicate")]
    assert matches([fingerprint(0, 20, luma=40), fingerprint(0, 90, luma=60)])[1] is not None


@pytest.mark.parametrize("method", METHODS)
def test_flat_frames_are_twins_of_their_own_tone_alone(method: HashMethodName) -> None:
    grey, red, green = flat(90, 90, 90), flat(20, 20, 190), flat(20, 120, 20)
    images = [grey, grey, red, red, green, grey, red, flat(200, 200, 200)]
    assert kept(images, method=method) == [0, 2, 4, 7]


def test_a_fade_is_its_first_frame() -> None:
    scene = texture(5)
    dimmed = [(scene * share).astype(np.uint8) for share in np.linspace(1, 0, 20)]
    assert kept(dimmed) == [0]
    rows = selected([flat(level, level, level) for level in range(200, 20, -15)])
    assert rows[0].is_kept
    assert {row.duplicate and (row.duplicate.index, row.duplicate.reason) for row in rows[1:]} == {
        (0, "fade")
    }


def test_what_a_fade_uncovers_is_kept() -> None:
    scene = texture(5)
    uncovered = [(scene * share).astype(np.uint8) for share in np.linspace(0, 1, 20)]
    # Black, the scene as soon as it shows, and once more where it is lit.
    assert len(kept(uncovered)) == 3
    assert kept([flat(0, 0, 0), scene]) == [0, 1]


def frame(index: int, segment: int, picture: int) -> Frame:
    return Frame(index, index * 1000.0, segment, texture(picture))


def test_segments_start_afresh_and_the_merge_drops_across_them() -> None:
    selector = FrameSelector(DedupeConfig())
    a, b, c = 1, 2, 3
    rows = [
        selector.select(each)
        for each in (
            frame(0, 0, a), frame(1, 0, a), frame(2, 0, b),
            frame(3, 1, b), frame(4, 1, b), frame(5, 1, c),
        )
    ]  # fmt: skip
    assert [row.duplicate for row in rows] == [
        None,
        DuplicateMatch(0, 0, "duplicate"),
        None,
        DuplicateMatch(2, 0, "duplicate_across_segments"),
        DuplicateMatch(
            3, 0, "duplicate"
        ),  # within its segment: its twin's own row leads on to frame 2
        None,
    ]


def test_a_fade_ends_with_its_segment() -> None:
    selector = FrameSelector(DedupeConfig())
    frames = [
        Frame(n, n * 1000.0, n, flat(level, level, level)) for n, level in enumerate((60, 75))
    ]
    assert [selector.select(each).duplicate for each in frames] == [None] * 2


def test_none_keeps_all_and_hashes_nothing() -> None:
    selector = FrameSelector(DedupeConfig(method="none"))
    rows = [selector.select(frame(index, 0, 1)) for index in range(3)]
    assert [(row.duplicate, row.hash) for row in rows] == [(None, None)] * 3


def test_more_frames_are_kept_than_there_was_room_for() -> None:
    found = matches_by_hash([*range(200), 0, 150], max_distance=0)
    assert found[:200] == [None] * 200
    assert found[200:] == [DuplicateMatch(0, 0, "duplicate"), DuplicateMatch(150, 0, "duplicate")]


def test_fingerprints_are_the_same_from_any_thread() -> None:
    images = [texture(index) for index in range(8)] * 4

    def fingerprint_of(image: Image) -> Fingerprint:
        return Fingerprint.of(image, "phash", 8)

    with ThreadPoolExecutor(4) as threads:
        in_parallel = list(threads.map(fingerprint_of, images))
    for one, other in zip(in_parallel, map(fingerprint_of, images), strict=True):
        assert one.hash == other.hash
        assert one.area_means.tobytes() == other.area_means.tobytes()
        assert (one.texture, one.mean_luma) == (other.texture, other.mean_luma)
