"""What a labeller did: known answers, every pairing tried, and rules for any two sets of boxes."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation import matching
from pipeline.evaluation.comparison import Box, by_names
from pipeline.evaluation.corrections import (
    TOLERANCE_PIXELS,
    CorrectionCounts,
    Corrections,
    corrections,
)
from tests.support import coco_builders
from tests.support.coco_builders import box, comparison

CAR, CAT, PERSON = 0, 1, 2
PLACE = (10.0, 20.0, 100.0, 50.0)


def compare(found: Sequence[Box], truth: Sequence[Box], tolerance: float = 1.0) -> Corrections:
    return corrections(comparison(found, truth), tolerance)


def counts(fates: CorrectionCounts) -> tuple[int, ...]:
    return fates.kept, fates.moved, fates.relabelled, fates.deleted, fates.added


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        ([(CAR, PLACE)], [(CAR, PLACE)], (1, 0, 0, 0, 0)),
        # Each side by a pixel: what rounding x, y, w, h to whole pixels may do.
        ([(CAR, PLACE)], [(CAR, (11, 19, 98, 52))], (1, 0, 0, 0, 0)),
        # As a sum of floats, one of its sides moves by a trifle more than a pixel.
        ([(CAR, (0.7, 0, 30.4, 30))], [(CAR, (1.7, 0, 30.4, 30))], (1, 0, 0, 0, 0)),
        ([(CAR, PLACE)], [(CAR, (11.1, 20, 98.9, 50))], (0, 1, 0, 0, 0)),
        # IoU 0.5 exactly: 20 of 40 columns.
        ([(CAR, (0, 0, 30, 10))], [(CAR, (10, 0, 30, 10))], (0, 1, 0, 0, 0)),
        ([(CAR, (0, 0, 30, 10))], [(CAR, (10.1, 0, 30, 10))], (0, 0, 0, 1, 1)),
        ([(CAR, PLACE)], [(CAT, PLACE)], (0, 0, 1, 0, 0)),
        ([(CAR, PLACE)], [(CAT, (20, 20, 100, 50))], (0, 0, 1, 0, 0)),
        ([(CAR, PLACE)], [(CAT, (400, 20, 100, 50))], (0, 0, 0, 1, 1)),
        ([(CAR, PLACE)], [], (0, 0, 0, 1, 0)),
        ([], [(CAR, PLACE)], (0, 0, 0, 0, 1)),
        ([], [], (0, 0, 0, 0, 0)),
        # Boxes without area, and of a pixel, that rounding moved out of themselves.
        ([(CAR, (5, 5, 0, 0))], [(CAR, (5, 5, 0, 0))], (1, 0, 0, 0, 0)),
        ([(CAR, (5, 5, 1, 1))], [(CAR, (6, 6, 1, 1))], (1, 0, 0, 0, 0)),
        ([(CAR, (5, 5, 0, 0))], [(CAR, (9, 5, 0, 0))], (0, 0, 0, 1, 1)),
        # Two pre-annotations of one object: one is kept, whichever came first.
        ([(CAR, PLACE), (CAR, PLACE)], [(CAR, PLACE)], (1, 0, 0, 1, 0)),
        ([(CAT, PLACE), (CAR, PLACE)], [(CAR, PLACE)], (1, 0, 0, 1, 0)),
        # The best pair for one box would leave two others alone.
        (
            [(CAR, (0, 0, 100, 100)), (CAR, (30, 0, 100, 100))],
            [(CAR, (20, 0, 100, 100)), (CAR, (60, 0, 100, 100))],
            (0, 2, 0, 0, 0),
        ),
        # What lies where it lay was not touched; two corrections either way.
        (
            [(CAR, (10, 0, 30, 10)), (CAT, (20, 0, 30, 10))],
            [(CAR, (10, 0, 30, 10)), (CAR, (1, 0, 30, 10))],
            (1, 0, 0, 1, 1),
        ),
        # Of two objects in reach, the one of its own class, though the other overlaps more.
        (
            [(CAT, (0, 0, 100, 100))],
            [(CAT, (25, 0, 100, 100)), (CAR, (10, 0, 100, 100))],
            (0, 1, 0, 0, 1),
        ),
    ],
)
def test_known_answers(
    found: list[tuple[int, Sequence[float]]],
    truth: list[tuple[int, Sequence[float]]],
    expected: tuple[int, ...],
) -> None:
    result = compare([box(*each) for each in found], [box(*each) for each in truth])
    assert counts(result.overall) == expected


def test_a_crowded_image_by_class() -> None:
    found = [
        box(PERSON, (0, 0, 50, 100)),  # kept
        box(PERSON, (100, 0, 50, 100)),  # moved, IoU 40 / 60
        box(PERSON, (200, 0, 50, 100)),  # becomes a cat
        box(PERSON, (300, 0, 50, 100)),  # becomes a car, moved
        box(CAT, (400, 0, 50, 100)),  # goes
        box(CAT, (0, 0, 50, 50), image=1),  # kept
    ]
    truth = [
        box(PERSON, (0, 0, 50, 100)),
        box(PERSON, (110, 0, 50, 100)),
        box(CAT, (200, 0, 50, 100)),
        box(CAR, (305, 0, 50, 100)),
        box(PERSON, (500, 0, 50, 100)),  # comes
        box(CAT, (0, 0, 50, 50), image=1),
    ]
    result = compare(found, truth)
    assert counts(result.overall) == (2, 1, 2, 1, 1)
    assert list(result.by_class) == ["car", "cat", "person"]
    person, cat, car = (result.by_class[name] for name in ("person", "cat", "car"))
    assert (person.pre, person.truth, counts(person)) == (4, 3, (1, 1, 2, 0, 1))
    assert (cat.pre, cat.truth, counts(cat), cat.relabelled_to) == (2, 2, (1, 0, 0, 1, 0), 1)
    assert (car.pre, car.truth, counts(car), car.relabelled_to) == (0, 1, (0, 0, 0, 0, 0), 1)
    assert result.relabelled == {("person", "car"): 1, ("person", "cat"): 1}
    assert result.images_untouched == 1
    assert result.overall.corrected == 5
    assert result.overall.kept_share == round(2 / 6, 6)
    assert result.overall.moved_mean_iou == round(40 / 60, 6)
    assert (car.kept_share, car.moved_mean_iou) == (None, None)


def test_of_two_objects_the_nearer_one_is_what_became_of_it() -> None:
    truth = [box(CAR, (15, 0, 100, 100)), box(CAR, (30, 0, 100, 100))]
    for found in (box(CAR, (0, 0, 100, 100)), box(CAR, (45, 0, 100, 100))):
        assert compare([found], truth).overall.moved_mean_iou == round(85 / 115, 6)


@pytest.mark.parametrize("step", [1, -1])
def test_what_cannot_be_decided_does_not_hang_on_the_order(step: int) -> None:
    both = [box(CAR, PLACE), box(CAT, PLACE)][::step]
    assert compare([box(PERSON, PLACE)], both).relabelled == {("person", "car"): 1}
    assert compare(both, [box(PERSON, PLACE)]).relabelled == {("car", "person"): 1}


def test_the_most_frequent_relabelling_comes_first() -> None:
    places = [(100.0 * number, 0.0, 50.0, 50.0) for number in range(3)]
    truth = [box(CAT, places[0]), box(PERSON, places[1]), box(PERSON, places[2])]
    result = compare([box(CAR, place) for place in places], truth)
    assert list(result.relabelled.items()) == [(("car", "person"), 2), (("car", "cat"), 1)]


def test_the_tolerance_is_in_pixels_a_side() -> None:
    found, truth = [box(CAR, PLACE)], [box(CAR, (13, 20, 100, 50))]
    assert compare(found, truth, 2.9).overall.moved == 1
    assert compare(found, truth, 3).overall.kept == 1
    assert compare(found, found, 0).overall.kept == 1


def test_an_image_without_objects_is_untouched() -> None:
    assert compare([], []).images_untouched == 1
    assert compare([], [box(CAR, PLACE)]).images_untouched == 0


def test_a_full_image_is_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = [box(CAR, (x * 20.0, y * 20.0, 15, 15)) for x in range(12) for y in range(9)]
    whole = compare(boxes, boxes[5:])
    monkeypatch.setattr(matching, "_CELLS", 250)
    assert compare(boxes, boxes[5:]) == whole
    assert counts(whole.overall) == (103, 0, 0, 5, 0)


# Coarse, so that boxes meet: all overlaps from none to whole come up.
corner, side = st.integers(0, 6).map(lambda n: n * 4.0), st.integers(0, 3).map(lambda n: n * 8.0)
boxes = st.lists(
    st.builds(box, st.integers(0, 2), st.tuples(corner, corner, side, side)), max_size=4
)


@given(found=boxes, truth=boxes)
def test_no_pairing_needs_fewer_corrections(found: list[Box], truth: list[Box]) -> None:
    result = compare(found, truth).overall
    least = min(
        (trial(found, order) for order in permutations([*truth, *[None] * len(found)], len(found))),
        default=0,
    )
    assert result.corrected == len(truth) + least


def trial(found: list[Box], partners: Sequence[Box | None]) -> int:
    """Return the corrections of one pairing, less the objects of the truth."""
    return sum(1 - spared(*each) for each in zip(found, partners, strict=True))


def spared(found: Box, truth: Box | None) -> int:
    """Return what a pair spares of deleting the one and adding the other."""
    if truth is None:
        return 0
    ours, theirs = edges(found), edges(truth)
    still = all(abs(a - b) <= TOLERANCE_PIXELS for a, b in zip(ours, theirs, strict=True))
    width = min(ours[2], theirs[2]) - max(ours[0], theirs[0])
    height = min(ours[3], theirs[3]) - max(ours[1], theirs[1])
    both = max(width, 0) * max(height, 0)
    overlapping = both > 0 and 2 * both >= found.area + truth.area - both
    if not (still or overlapping):
        return 0
    return 2 if still and found.category == truth.category else 1


def edges(labelled: Box) -> tuple[float, float, float, float]:
    x, y, width, height = labelled.bbox
    return x, y, x + width, y + height


@given(found=boxes, truth=boxes)
def test_every_object_has_one_fate(found: list[Box], truth: list[Box]) -> None:
    result = compare(found, truth)
    for fates in (result.overall, *result.by_class.values()):
        assert min(*counts(fates), fates.relabelled_to) >= 0
        assert fates.pre == fates.kept + fates.moved + fates.relabelled + fates.deleted
        assert fates.truth == fates.kept + fates.moved + fates.relabelled_to + fates.added
    assert result.overall.relabelled == result.overall.relabelled_to
    assert result.overall.relabelled == sum(result.relabelled.values())
    assert (result.overall.pre, result.overall.truth) == (len(found), len(truth))
    assert sum(fates.pre for fates in result.by_class.values()) == len(found)


@given(found=boxes)
def test_what_nobody_touched_is_kept(found: list[Box]) -> None:
    result = compare(found, found)
    assert counts(result.overall) == (len(found), 0, 0, 0, 0)
    assert result.images_untouched == 1


@given(found=boxes, shift=st.floats(-0.5, 0.5))
def test_rounding_to_whole_pixels_keeps(found: list[Box], shift: float) -> None:
    placed = [(each.category, [value + shift for value in each.bbox[:2]]) for each in found]
    sized = [(category, [*xy, 30.4, 20.6]) for category, xy in placed]
    rounded = [box(category, [round(value) for value in bbox]) for category, bbox in sized]
    result = compare([box(*each) for each in sized], rounded)
    assert result.overall.kept == len(found)


rows = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.tuples(corner, corner, side, side)),
    max_size=8,
)


@given(found=rows, truth=rows, random=st.randoms(use_true_random=False))
def test_ids_and_orders_do_not_matter(
    found: list[coco_builders.Row], truth: list[coco_builders.Row], random: Random
) -> None:
    names, images = ("person", "car", "cat"), (1, 2, 3)
    run = coco_builders.run(coco_builders.coco(found, images, names))
    plain = coco_builders.coco(truth, images, names)
    other = {part: list(rows) for part, rows in plain.items()}
    for part in other.values():
        random.shuffle(part)
    new = {id_: f"id {7 - id_}" for id_ in images}
    renumbered = {
        "images": [{**each, "id": new[each["id"]]} for each in other["images"]],
        "categories": [{**each, "id": 40 + each["id"]} for each in other["categories"]],
        "annotations": [
            {
                **each,
                "id": 0,
                "image_id": new[each["image_id"]],
                "category_id": 40 + each["category_id"],
            }
            for each in other["annotations"]
        ],
    }
    expected = corrections(by_names(run, coco_builders.truth(plain)))
    assert corrections(by_names(run, coco_builders.truth(renumbered))) == expected
