"""Counts of corrections: known answers, and comparison with all possible matchings."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation import matching
from pipeline.evaluation.comparison import Box, compare_by_names
from pipeline.evaluation.corrections import (
    DEFAULT_TOLERANCE_PIXELS,
    CorrectionCounts,
    Corrections,
    count_corrections,
)
from tests.support import coco_builders
from tests.support.coco_builders import ImageCategoryBbox, box, comparison

CAR, CAT, PERSON = 0, 1, 2
BBOX = (10.0, 20.0, 100.0, 50.0)


def compare(
    predicted: Sequence[Box], truth: Sequence[Box], tolerance_pixels: float = 1.0
) -> Corrections:
    return count_corrections(comparison(predicted, truth), tolerance_pixels)


def as_tuple(counts: CorrectionCounts) -> tuple[int, ...]:
    return counts.kept, counts.moved, counts.relabelled, counts.deleted, counts.added


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        ([(CAR, BBOX)], [(CAR, BBOX)], (1, 0, 0, 0, 0)),
        # Each side is moved by a pixel, as rounding x, y, w and h to whole pixels can do.
        ([(CAR, BBOX)], [(CAR, (11, 19, 98, 52))], (1, 0, 0, 0, 0)),
        # Because of float sums, one side moves by very little more than a pixel.
        ([(CAR, (0.7, 0, 30.4, 30))], [(CAR, (1.7, 0, 30.4, 30))], (1, 0, 0, 0, 0)),
        ([(CAR, BBOX)], [(CAR, (11.1, 20, 98.9, 50))], (0, 1, 0, 0, 0)),
        # An IoU of exactly 0.5: 20 of 40 columns.
        ([(CAR, (0, 0, 30, 10))], [(CAR, (10, 0, 30, 10))], (0, 1, 0, 0, 0)),
        ([(CAR, (0, 0, 30, 10))], [(CAR, (10.1, 0, 30, 10))], (0, 0, 0, 1, 1)),
        ([(CAR, BBOX)], [(CAT, BBOX)], (0, 0, 1, 0, 0)),
        ([(CAR, BBOX)], [(CAT, (20, 20, 100, 50))], (0, 0, 1, 0, 0)),
        ([(CAR, BBOX)], [(CAT, (400, 20, 100, 50))], (0, 0, 0, 1, 1)),
        ([(CAR, BBOX)], [], (0, 0, 0, 1, 0)),
        ([], [(CAR, BBOX)], (0, 0, 0, 0, 1)),
        ([], [], (0, 0, 0, 0, 0)),
        # Boxes without area, or of one pixel: rounding moves them so far that they do not overlap.
        ([(CAR, (5, 5, 0, 0))], [(CAR, (5, 5, 0, 0))], (1, 0, 0, 0, 0)),
        ([(CAR, (5, 5, 1, 1))], [(CAR, (6, 6, 1, 1))], (1, 0, 0, 0, 0)),
        ([(CAR, (5, 5, 0, 0))], [(CAR, (9, 5, 0, 0))], (0, 0, 0, 1, 1)),
        # Two pre-annotations of one object: one is kept, in either order.
        ([(CAR, BBOX), (CAR, BBOX)], [(CAR, BBOX)], (1, 0, 0, 1, 0)),
        ([(CAT, BBOX), (CAR, BBOX)], [(CAR, BBOX)], (1, 0, 0, 1, 0)),
        # If one box took its best match, two other boxes would have no match.
        (
            [(CAR, (0, 0, 100, 100)), (CAR, (30, 0, 100, 100))],
            [(CAR, (20, 0, 100, 100)), (CAR, (60, 0, 100, 100))],
            (0, 2, 0, 0, 0),
        ),
        # Two matchings need two corrections each. The one with a kept box wins.
        (
            [(CAR, (10, 0, 30, 10)), (CAT, (20, 0, 30, 10))],
            [(CAR, (10, 0, 30, 10)), (CAR, (1, 0, 30, 10))],
            (1, 0, 0, 1, 1),
        ),
        # Of two objects that overlap, the one of the same class wins, although its IoU is lower.
        (
            [(CAT, (0, 0, 100, 100))],
            [(CAT, (25, 0, 100, 100)), (CAR, (10, 0, 100, 100))],
            (0, 1, 0, 0, 1),
        ),
    ],
)
def test_counts_equal_known_answers(
    predicted: list[tuple[int, Sequence[float]]],
    truth: list[tuple[int, Sequence[float]]],
    expected: tuple[int, ...],
) -> None:
    result = compare([box(*each) for each in predicted], [box(*each) for each in truth])
    assert as_tuple(result.overall) == expected


def test_corrections_are_counted_for_each_class() -> None:
    predicted = [
        box(PERSON, (0, 0, 50, 100)),  # kept
        box(PERSON, (100, 0, 50, 100)),  # moved, IoU 40 / 60
        box(PERSON, (200, 0, 50, 100)),  # relabelled to cat
        box(PERSON, (300, 0, 50, 100)),  # relabelled to car, and moved
        box(CAT, (400, 0, 50, 100)),  # deleted
        box(CAT, (0, 0, 50, 50), image_index=1),  # kept
    ]
    truth = [
        box(PERSON, (0, 0, 50, 100)),
        box(PERSON, (110, 0, 50, 100)),
        box(CAT, (200, 0, 50, 100)),
        box(CAR, (305, 0, 50, 100)),
        box(PERSON, (500, 0, 50, 100)),  # added
        box(CAT, (0, 0, 50, 50), image_index=1),
    ]
    result = compare(predicted, truth)
    assert as_tuple(result.overall) == (2, 1, 2, 1, 1)
    assert list(result.by_class) == ["car", "cat", "person"]
    person, cat, car = (result.by_class[name] for name in ("person", "cat", "car"))
    assert (person.pre, person.truth, as_tuple(person)) == (4, 3, (1, 1, 2, 0, 1))
    assert (cat.pre, cat.truth, as_tuple(cat), cat.relabelled_to) == (2, 2, (1, 0, 0, 1, 0), 1)
    assert (car.pre, car.truth, as_tuple(car), car.relabelled_to) == (0, 1, (0, 0, 0, 0, 0), 1)
    assert result.relabelled == {("person", "car"): 1, ("person", "cat"): 1}
    assert result.untouched_images == 1
    assert result.overall.corrected == 5
    assert result.overall.kept_share == round(2 / 6, 6)
    assert result.overall.moved_mean_iou == round(40 / 60, 6)
    assert (car.kept_share, car.moved_mean_iou) == (None, None)


def test_of_two_equal_matches_the_one_with_the_larger_iou_wins() -> None:
    truth = [box(CAR, (15, 0, 100, 100)), box(CAR, (30, 0, 100, 100))]
    for predicted in (box(CAR, (0, 0, 100, 100)), box(CAR, (45, 0, 100, 100))):
        assert compare([predicted], truth).overall.moved_mean_iou == round(85 / 115, 6)


@pytest.mark.parametrize("step", [1, -1])
def test_the_order_does_not_decide_between_equal_matches(step: int) -> None:
    both = [box(CAR, BBOX), box(CAT, BBOX)][::step]
    assert compare([box(PERSON, BBOX)], both).relabelled == {("person", "car"): 1}
    assert compare(both, [box(PERSON, BBOX)]).relabelled == {("car", "person"): 1}


def test_the_most_frequent_relabelling_comes_first() -> None:
    bboxes = [(100.0 * number, 0.0, 50.0, 50.0) for number in range(3)]
    truth = [box(CAT, bboxes[0]), box(PERSON, bboxes[1]), box(PERSON, bboxes[2])]
    result = compare([box(CAR, bbox) for bbox in bboxes], truth)
    assert list(result.relabelled.items()) == [(("car", "person"), 2), (("car", "cat"), 1)]


def test_the_tolerance_is_in_pixels_for_each_side() -> None:
    predicted, truth = [box(CAR, BBOX)], [box(CAR, (13, 20, 100, 50))]
    assert compare(predicted, truth, 2.9).overall.moved == 1
    assert compare(predicted, truth, 3).overall.kept == 1
    assert compare(predicted, predicted, 0).overall.kept == 1


def test_an_image_without_objects_is_untouched() -> None:
    assert compare([], []).untouched_images == 1
    assert compare([], [box(CAR, BBOX)]).untouched_images == 0


def test_an_image_with_many_boxes_is_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = [box(CAR, (x * 20.0, y * 20.0, 15, 15)) for x in range(12) for y in range(9)]
    in_one_block = compare(boxes, boxes[5:])
    monkeypatch.setattr(matching, "_IOUS_PER_BLOCK", 250)
    assert compare(boxes, boxes[5:]) == in_one_block
    assert as_tuple(in_one_block.overall) == (103, 0, 0, 5, 0)


# Few different values, so that boxes often overlap, with every IoU from 0 to 1.
corner, side = st.integers(0, 6).map(lambda n: n * 4.0), st.integers(0, 3).map(lambda n: n * 8.0)
boxes = st.lists(
    st.builds(box, st.integers(0, 2), st.tuples(corner, corner, side, side)), max_size=4
)


@given(predicted=boxes, truth=boxes)
def test_no_matching_needs_fewer_corrections(predicted: list[Box], truth: list[Box]) -> None:
    result = compare(predicted, truth).overall
    partners = permutations([*truth, *[None] * len(predicted)], len(predicted))
    most_saved = max((saved_by_matching(predicted, each) for each in partners), default=0)
    assert result.corrected == len(predicted) + len(truth) - most_saved


def saved_by_matching(predicted: list[Box], partners: Sequence[Box | None]) -> int:
    return sum(saved_by_match(*each) for each in zip(predicted, partners, strict=True))


def saved_by_match(predicted: Box, truth: Box | None) -> int:
    """Return the corrections that a match saves, compared with deleting one and adding the other.

    2: the box is kept. 1: it is moved or relabelled. 0: it cannot be the same object.
    """
    if truth is None:
        return 0
    before, after = xyxy(predicted), xyxy(truth)
    shifts = [abs(a - b) for a, b in zip(before, after, strict=True)]
    is_in_place = max(shifts) <= DEFAULT_TOLERANCE_PIXELS
    width = min(before[2], after[2]) - max(before[0], after[0])
    height = min(before[3], after[3]) - max(before[1], after[1])
    common = max(width, 0) * max(height, 0)
    is_overlapping = common > 0 and 2 * common >= predicted.area + truth.area - common
    if not (is_in_place or is_overlapping):
        return 0
    return 2 if is_in_place and predicted.class_index == truth.class_index else 1


def xyxy(labelled: Box) -> tuple[float, float, float, float]:
    x, y, width, height = labelled.bbox
    return x, y, x + width, y + height


@given(predicted=boxes, truth=boxes)
def test_every_object_is_counted_once(predicted: list[Box], truth: list[Box]) -> None:
    result = compare(predicted, truth)
    for counts in (result.overall, *result.by_class.values()):
        assert min(*as_tuple(counts), counts.relabelled_to) >= 0
        assert counts.pre == counts.kept + counts.moved + counts.relabelled + counts.deleted
        assert counts.truth == counts.kept + counts.moved + counts.relabelled_to + counts.added
    assert result.overall.relabelled == result.overall.relabelled_to
    assert result.overall.relabelled == sum(result.relabelled.values())
    assert (result.overall.pre, result.overall.truth) == (len(predicted), len(truth))
    assert sum(counts.pre for counts in result.by_class.values()) == len(predicted)


@given(predicted=boxes)
def test_unchanged_boxes_are_kept(predicted: list[Box]) -> None:
    result = compare(predicted, predicted)
    assert as_tuple(result.overall) == (len(predicted), 0, 0, 0, 0)
    assert result.untouched_images == 1


@given(predicted=boxes, shift=st.floats(-0.5, 0.5))
def test_boxes_rounded_to_whole_pixels_are_kept(predicted: list[Box], shift: float) -> None:
    shifted = [
        (each.class_index, [*(value + shift for value in each.bbox[:2]), 30.4, 20.6])
        for each in predicted
    ]
    rounded = [box(class_index, [round(value) for value in bbox]) for class_index, bbox in shifted]
    result = compare([box(*each) for each in shifted], rounded)
    assert result.overall.kept == len(predicted)


objects = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.tuples(corner, corner, side, side)),
    max_size=8,
)


@given(predicted=objects, truth=objects, random=st.randoms(use_true_random=False))
def test_ids_and_orders_do_not_matter(
    predicted: list[ImageCategoryBbox], truth: list[ImageCategoryBbox], random: Random
) -> None:
    images, names = (1, 2, 3), ("person", "car", "cat")
    run = coco_builders.parse_run(coco_builders.coco_file(predicted, images, names))
    export = coco_builders.coco_file(truth, images, names)
    shuffled = {key: list(items) for key, items in export.items()}
    for items in shuffled.values():
        random.shuffle(items)
    new_ids = {image_id: f"id {7 - image_id}" for image_id in images}
    renumbered = {
        "images": [{**each, "id": new_ids[each["id"]]} for each in shuffled["images"]],
        "categories": [{**each, "id": 40 + each["id"]} for each in shuffled["categories"]],
        "annotations": [
            {
                **each,
                "id": 0,
                "image_id": new_ids[each["image_id"]],
                "category_id": 40 + each["category_id"],
            }
            for each in shuffled["annotations"]
        ],
    }
    expected = count_corrections(compare_by_names(run, coco_builders.parse_truth(export)))
    renumbered_truth = coco_builders.parse_truth(renumbered)
    assert count_corrections(compare_by_names(run, renumbered_truth)) == expected
