"""Which image is which, and which class, when a tool has named and numbered them anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputFileError
from pipeline.evaluation.comparison import Comparison, UnmatchedImage, by_ids, by_names
from tests.support import coco_builders
from tests.support.coco_builders import Json

PLACE = (1.0, 2.0, 30.0, 40.0)


NAMES = [
    folder + prefix + name + suffix
    for folder in ("", "a/", "b\\")
    for prefix in ("", "cb0618f6-")
    for name in ("1", "2")
    for suffix in ("", ".jpg", ".PNG")
]


def named(*names: str) -> Json:
    """Return a file with an image a name, and a person in each."""
    file = coco_builders.coco(
        [(number, 1, PLACE) for number, _ in enumerate(names)], range(len(names))
    )
    for image, name in zip(file["images"], names, strict=True):
        image["file_name"] = name
    return file


def compare(run: Json, truth: Json) -> Comparison:
    return by_names(coco_builders.run(run), coco_builders.truth(truth))


@pytest.mark.parametrize(
    "name",
    [
        "frame_000010.jpg",
        "default/frame_000010.jpg",
        "some/where else/frame_000010.jpg",
        "images\\frame_000010.jpg",
        "frame_000010.PNG",
        "cb0618f6-frame_000010.jpg",
        "..\\..\\media\\upload\\4\\cb0618f6-frame_000010.jpg",
    ],
)
def test_an_image_is_found_by_what_tools_make_of_its_name(name: str) -> None:
    run = named("frame_000010.jpg", "frame_000020.jpg")
    compared = compare(run, named("frame_000099.jpg", name))
    assert compared.images == 1
    assert compared.only_in_run == (UnmatchedImage("frame_000020.jpg", 1),)
    assert compared.only_in_truth == (UnmatchedImage("frame_000099.jpg", 1),)


def test_the_name_as_it_is_comes_first() -> None:
    compared = compare(named("a/1.jpg", "b/1.jpg"), named("b/1.jpg", "a/1.jpg", "1.jpg"))
    assert compared.images == 2
    assert compared.only_in_truth == (UnmatchedImage("1.jpg", 1),)


def test_a_name_of_several_images_is_none() -> None:
    run = named("1.jpg", "2.jpg")
    compared = compare(run, named("a/1.jpg", "b/1.jpg", "2.jpg", ""))
    assert compared.images == 1
    assert [each.file_name for each in compared.only_in_run] == ["1.jpg"]
    assert [each.file_name for each in compared.only_in_truth] == ["", "a/1.jpg", "b/1.jpg"]


def test_images_without_a_name_are_not_the_same() -> None:
    assert compare(named("1.jpg", ""), named("1.jpg", "")).images == 1


@given(run=st.lists(st.sampled_from(NAMES)), truth=st.lists(st.sampled_from(NAMES)))
def test_no_image_is_two(run: list[str], truth: list[str]) -> None:
    compared = compare(named("same", *run), named("same", *truth))
    assert compared.images + len(compared.only_in_run) == len(run) + 1
    assert compared.images + len(compared.only_in_truth) == len(truth) + 1
    assert {box.image for box in compared.found} == set(range(compared.images))
    assert {box.image for box in compared.truth} == set(range(compared.images))


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        (named("other.jpg"), '"1.jpg", of the truth "other.jpg"'),
        (named(), '"1.jpg", of the truth none'),
        (named("xcb0618f6-1.jpg", "cb0618f61.jpg", "cb0618f-1.jpg"), "No image of the run"),
        (named("a/1.jpg", "b/1.jpg"), "No image of the run is in the truth"),
    ],
)
def test_no_common_image_is_said(truth: Json, says: str) -> None:
    with pytest.raises(InputFileError, match=says):
        compare(named("1.jpg"), truth)


def test_another_size_cannot_be_compared() -> None:
    run, truth = named("1.jpg"), named("x/1.jpg")
    run["images"][0] |= {"width": 1920, "height": 1080}
    truth["images"][0] |= {"width": 1280, "height": 720}
    with pytest.raises(
        InputFileError, match=r'"1\.jpg" is 1920 pixels in width in the run, and 1280'
    ):
        compare(run, truth)
    truth["images"][0] |= {"width": 0, "height": None}
    assert compare(run, truth).images == 1


def test_classes_are_found_by_name() -> None:
    run = coco_builders.coco([(1, 1, PLACE)], categories=("person", "car"))
    truth = coco_builders.coco([(1, 3, PLACE), (1, 1, PLACE)], categories=("van", "car", "person"))
    compared = compare(run, truth)
    assert compared.classes == ("car", "person", "van")
    assert [compared.classes[box.category] for box in compared.found] == ["person"]
    assert [compared.classes[box.category] for box in compared.truth] == ["person", "van"]


def test_two_classes_of_one_name_are_one() -> None:
    truth = coco_builders.coco([(1, 1, PLACE), (1, 2, PLACE)], categories=("person", "person"))
    compared = compare(coco_builders.coco([(1, 1, PLACE)]), truth)
    assert {box.category for box in compared.truth} == {1}


def test_objects_of_lone_images_are_not_compared() -> None:
    run = coco_builders.coco([(1, 1, PLACE), (2, 1, PLACE)], images=(1, 2))
    truth = coco_builders.coco([(2, 1, PLACE), (3, 1, PLACE), (3, 1, PLACE)], images=(2, 3))
    compared = compare(run, truth)
    assert (len(compared.found), len(compared.truth)) == (1, 1)
    assert compared.only_in_truth == (UnmatchedImage("frame_3.jpg", 2),)


@pytest.mark.parametrize(
    ("element", "says"),
    [
        (coco_builders.prediction(9, 1, PLACE, 0.5), "it has no image_id 9. If a tool"),
        (coco_builders.prediction("1", 1, PLACE, 0.5), 'it has no image_id "1". If a tool'),
        (coco_builders.prediction(1, 0, PLACE, 0.5), "it has no category_id 0. If a tool"),
    ],
)
def test_predictions_of_something_else(element: Json, says: str) -> None:
    with pytest.raises(InputFileError, match=says):
        by_ids(coco_builders.predicted([element]), coco_builders.truth(coco_builders.coco()))


def test_only_some_of_many_strangers_are_named() -> None:
    elements = [coco_builders.prediction(number, 1, PLACE, 0.5) for number in range(10, 20)]
    with pytest.raises(InputFileError, match="no image_id 10, 11, 12 and 7 more"):
        by_ids(coco_builders.predicted(elements), coco_builders.truth(coco_builders.coco()))
