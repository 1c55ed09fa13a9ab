"""Duplicates: which frames match, and the vectorised search compared with a plain one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

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
from tests.support.scenes import select

METHODS: list[HashMethodName] = ["phash", "dhash", "average_hash", "whash"]


def hash_of(number: int) -> ImageHash:
    """Return a hash of 64 bits, which are the bits of a number."""
    bits = [(number >> n) & 1 == 1 for n in range(64)]
    return ImageHash(np.array(bits).reshape(8, 8))


def fingerprint(
    number: int, mean: int, *, strength: float = MIN_TEXTURE_TO_DIFFER, luma: int = 100
) -> Fingerprint:
    """Return a fingerprint whose area means are all equal. By default its texture is weak."""
    means = np.full(AREA_MEANS, mean, dtype=np.uint8)
    return Fingerprint(hash_of(number), means, strength, luma, np.full((45, 80), 90, np.uint8))


def matches(fingerprints: list[Fingerprint], **config: object) -> list[DuplicateMatch | None]:
    deduplicator = Deduplicator(DedupeConfig.model_validate(config))
    found = []
    for index, each in enumerate(fingerprints):
        found.append(deduplicator.find_duplicate(each))
        if found[-1] is None:
            deduplicator.keep(index, each)
    return found


def matches_by_hash(numbers: list[int], **config: object) -> list[DuplicateMatch | None]:
    """Return the matches of frames whose texture is so strong that only hashes count."""
    strength = MIN_TEXTURE_TO_DIFFER + 1
    return matches([fingerprint(number, 0, strength=strength) for number in numbers], **config)


def flat(*colour: int) -> Image:
    return np.full((96, 160, 3), colour, dtype=np.uint8)


def kept(images: list[Image], **config: object) -> list[int]:
    records = select(images, DedupeConfig.model_validate(config))
    return [record.index for record in records if record.is_kept]


def test_a_frame_at_exactly_the_largest_distance_is_a_duplicate() -> None:
    found = matches_by_hash([0b0, 0b1111, 0b11111], max_distance=4)
    assert found == [None, DuplicateMatch(0, 4, "duplicate"), None]


def test_with_a_largest_distance_of_zero_only_equal_hashes_match() -> None:
    assert matches_by_hash([5, 5, 4], max_distance=0) == [
        None,
        DuplicateMatch(0, 0, "duplicate"),
        None,
    ]


def test_the_match_is_the_nearest_kept_frame_and_the_latest_of_equals() -> None:
    found = matches_by_hash([0b0, 0b111111, 0b111], max_distance=3)
    assert found[2] == DuplicateMatch(1, 3, "duplicate")


def test_a_dropped_frame_is_never_a_match() -> None:
    # Frame 2 is near frame 1, which was dropped, and too far from frame 0.
    assert matches_by_hash([0b0, 0b11, 0b1111], max_distance=2) == [
        None,
        DuplicateMatch(0, 2, "duplicate"),
        None,
    ]


def test_a_frame_is_compared_with_the_last_kept_frames_only() -> None:
    far, further = 0xFF, 0xFF00
    assert matches_by_hash([0, far, further, 0], compare_with=2)[3] is None
    assert matches_by_hash([0, far, further, 0], compare_with=3)[3] == DuplicateMatch(
        0, 0, "duplicate"
    )


@given(
    numbers=st.lists(st.integers(0, 2**12 - 1), max_size=150),
    max_distance=st.integers(0, 6),
    compare_with=st.none() | st.integers(1, 10),
)
def test_the_vectorised_search_finds_what_a_plain_search_finds(
    numbers: list[int], max_distance: int, compare_with: int | None
) -> None:
    kept: list[int] = []
    expected: list[DuplicateMatch | None] = []
    for index, number in enumerate(numbers):
        candidates = [
            (hash_of(number) - hash_of(numbers[other]), -other)
            for other in kept[-(compare_with or 0) :]
        ]
        distance, negative_index = min(candidates, default=(99, 0))
        if distance <= max_distance:
            expected.append(DuplicateMatch(-negative_index, distance, "duplicate"))
        else:
            expected.append(None)
            kept.append(index)
    found = matches_by_hash(numbers, max_distance=max_distance, compare_with=compare_with)
    assert found == expected


def test_frames_of_weak_texture_match_if_their_area_means_are_near() -> None:
    found = matches(
        [fingerprint(0, 20), fingerprint(0xFFFF, 20 + MAX_MEAN_DIFFERENCE), fingerprint(0xFF, 40)]
    )
    assert found == [None, DuplicateMatch(0, 16, "same_colours"), None]


def test_frames_of_strong_texture_do_not_match_by_area_means() -> None:
    frames = [fingerprint(number, 20, strength=MIN_TEXTURE_TO_DIFFER + 1) for number in (0, 0xFFFF)]
    assert matches(frames) == [None, None]


def test_a_frame_without_texture_does_not_match_by_its_hash() -> None:
    assert matches(
        [fingerprint(0, 20), fingerprint(0, 90, strength=MIN_TEXTURE_TO_MATCH), fingerprint(0, 160)]
    ) == [
        None,
        None,
        DuplicateMatch(0, 0, "duplicate"),
    ]


def test_a_dark_scene_is_kept_again_once_it_is_lit() -> None:
    dark, lit = fingerprint(0, 20, luma=20), fingerprint(0, 90, luma=90)
    assert matches([dark, lit]) == [None, None]
    assert matches([lit, dark]) == [None, DuplicateMatch(0, 0, "duplicate")]
    assert matches([fingerprint(0, 20, luma=40), fingerprint(0, 90, luma=60)])[1] is not None


@pytest.mark.parametrize("method", METHODS)
def test_flat_frames_match_frames_of_the_same_colour_only(method: HashMethodName) -> None:
    grey, red, green = flat(90, 90, 90), flat(20, 20, 190), flat(20, 120, 20)
    images = [grey, grey, red, red, green, grey, red, flat(200, 200, 200)]
    assert kept(images, method=method) == [0, 2, 4, 7]


def test_a_scene_that_fades_to_black_is_kept_once() -> None:
    scene = texture(5)
    fade = [(scene * share).astype(np.uint8) for share in np.linspace(1, 0, 20)]
    assert kept(fade) == [0]


def test_flat_frames_that_change_slowly_match_the_first_with_the_reason_fade() -> None:
    first, *others = select([flat(level, level, level) for level in range(200, 20, -15)])
    assert first.is_kept
    matches = [record.duplicate for record in others]
    assert {match and (match.index, match.reason) for match in matches} == {(0, "fade")}


def test_a_scene_that_fades_in_from_black_is_kept() -> None:
    scene = texture(5)
    fade = [(scene * share).astype(np.uint8) for share in np.linspace(0, 1, 20)]
    # Black, the scene as soon as it is visible, and the scene again once it is lit.
    assert len(kept(fade)) == 3
    assert kept([flat(0, 0, 0), scene]) == [0, 1]


def frame(index: int, segment: int, seed: int) -> Frame:
    return Frame(index, index * 1000.0, segment, texture(seed))


def test_frames_match_within_their_segment_first_and_then_across_segments() -> None:
    selector = FrameSelector(DedupeConfig())
    a, b, c = 1, 2, 3
    records = [
        selector.select(each)
        for each in (
            frame(0, 0, a), frame(1, 0, a), frame(2, 0, b),
            frame(3, 1, b), frame(4, 1, b), frame(5, 1, c),
        )
    ]  # fmt: skip
    assert [record.duplicate for record in records] == [
        None,
        DuplicateMatch(0, 0, "duplicate"),
        None,
        DuplicateMatch(2, 0, "duplicate_across_segments"),
        # The match is in its own segment: frame 3, which itself matches frame 2.
        DuplicateMatch(3, 0, "duplicate"),
        None,
    ]


def test_a_fade_does_not_continue_in_the_next_segment() -> None:
    selector = FrameSelector(DedupeConfig())
    frames = [
        Frame(n, n * 1000.0, n, flat(level, level, level)) for n, level in enumerate((60, 75))
    ]
    assert [selector.select(each).duplicate for each in frames] == [None] * 2


def yard(*left: int) -> Image:
    """Return a textured yard with small dark people at these places."""
    image = texture(3, 320, 180) // 2 + 60
    for each in left:
        image[100:112, each : each + 4] = 10
    return image


def duplicates_of(images: list[Image], **config: object) -> list[int | None]:
    """Return for each image the index of the kept one that it duplicates; None if it is kept."""
    records = select(images, DedupeConfig.model_validate(config))
    return [record.duplicate.index if record.duplicate else None for record in records]


def test_a_small_person_is_kept_at_each_new_place_and_dropped_where_it_stays() -> None:
    images = [yard(), yard(), yard(100), yard(130), yard(130), yard(), yard(100)]
    assert duplicates_of(images) == [None, 0, None, None, 3, 0, 2]


def test_small_changes_are_dropped_if_they_are_not_wanted() -> None:
    images = [yard(), yard(100), yard(130)]
    assert duplicates_of(images, keep_small_changes=False) == [None, 0, 0]


def test_an_empty_yard_is_known_after_sixty_frames_with_a_person() -> None:
    people = [yard(10 + 3 * number) for number in range(60)]
    assert duplicates_of([yard(), *people, yard()]) == [*[None] * 61, 0]


def test_an_empty_yard_is_known_although_compression_has_changed_all_of_it() -> None:
    empty = fingerprint(0, 90)
    drift = empty.detail.copy()
    drift[:, ::2] += 2
    # The squares of the changes add up to 7,200 for the drift, and to 3,200 for a person.
    people = []
    for column in (10, 30, 50):
        person = drift.copy()
        person[20:22, column] += 40
        people.append(replace(empty, detail=person))
    found = matches([empty, *people, replace(empty, detail=drift)])
    assert found == [None] * 4 + [DuplicateMatch(0, 0, "duplicate")]


def test_an_empty_yard_with_noise_is_kept_a_few_times_only() -> None:
    empty, random = fingerprint(0, 90), np.random.default_rng(1)
    noise = 2 * random.standard_normal((500, *empty.detail.shape))
    frames = [replace(empty, detail=np.rint(90 + each).astype(np.uint8)) for each in noise]
    assert matches(frames).count(None) <= 3


def test_small_changes_are_compared_with_the_last_kept_frames_only() -> None:
    images = [yard(), yard(100), yard(130), yard()]
    assert duplicates_of(images, compare_with=2) == [None] * 4
    assert duplicates_of(images, compare_with=3) == [None, None, None, 0]


def test_a_small_light_in_a_dark_frame_is_kept() -> None:
    dark, lit = flat(12, 12, 12), flat(12, 12, 12)
    lit[40:44, 60:63] = 90
    assert duplicates_of([dark, lit, dark, lit]) == [None, None, 0, 1]


def test_a_fade_in_which_a_small_light_comes_is_kept() -> None:
    lit = flat(100, 100, 100)
    lit[40:44, 60:63] = 220
    assert duplicates_of([flat(130, 130, 130), flat(115, 115, 115), lit]) == [None, 0, None]


def test_small_changes_count_across_segments_too() -> None:
    selector = FrameSelector(DedupeConfig())
    frames = [
        Frame(index, 1000.0 * index, index, image)
        for index, image in enumerate((yard(), yard(100), yard(130), yard(100), yard()))
    ]
    assert [selector.select(each).duplicate for each in frames] == [
        None, None, None,
        DuplicateMatch(1, 0, "duplicate_across_segments"),
        DuplicateMatch(0, 0, "duplicate_across_segments"),
    ]  # fmt: skip


def test_a_frame_of_another_shape_is_compared() -> None:
    wide = flat(90, 90, 90)
    assert duplicates_of([wide, wide.transpose(1, 0, 2)]) == [None, 0]


def test_the_method_none_keeps_all_frames_without_hashes() -> None:
    selector = FrameSelector(DedupeConfig(method="none"))
    records = [selector.select(frame(index, 0, 1)) for index in range(3)]
    assert [(record.duplicate, record.hash) for record in records] == [(None, None)] * 3


def test_the_table_of_kept_frames_grows() -> None:
    found = matches_by_hash([*range(200), 0, 150], max_distance=0)
    assert found[:200] == [None] * 200
    assert found[200:] == [DuplicateMatch(0, 0, "duplicate"), DuplicateMatch(150, 0, "duplicate")]


def test_fingerprints_computed_in_parallel_are_the_same() -> None:
    images = [texture(index) for index in range(8)] * 4

    def fingerprint_of(image: Image) -> Fingerprint:
        return Fingerprint.of(image, "phash", 8)

    with ThreadPoolExecutor(4) as threads:
        in_parallel = list(threads.map(fingerprint_of, images))
    for one, other in zip(in_parallel, map(fingerprint_of, images), strict=True):
        assert one.hash == other.hash
        assert one.area_means.tobytes() == other.area_means.tobytes()
        assert one.detail.tobytes() == other.detail.tobytes()
        assert (one.texture, one.mean_luma) == (other.texture, other.mean_luma)
