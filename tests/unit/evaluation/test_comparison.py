"""Images and classes are matched, although labelling tools change names and ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputFileError
from pipeline.evaluation.comparison import (
    Comparison,
    UnmatchedImage,
    compare_by_ids,
    compare_by_names,
)
from tests.support import coco_builders
from tests.support.coco_builders import Json, coco_file, prediction

BBOX = (1.0, 2.0, 30.0, 40.0)
NAMES = [
    folder + prefix + name + suffix
    for folder in ("", "a/", "b\\")
    for prefix in ("", "cb0618f6-")
    for name in ("1", "2")
    for suffix in ("", ".jpg", ".PNG")
]


def with_images(*names: str) -> Json:
    """Return a COCO file with an image for each name, and a person in each image."""
    file = coco_file([(number, 1, BBOX) for number, _ in enumerate(names)], range(len(names)))
    for image, name in zip(file["images"], names, strict=True):
        image["file_name"] = name
    return file


def compare(run: Json, truth: Json) -> Comparison:
    return compare_by_names(coco_builders.parse_run(run), coco_builders.parse_truth(truth))


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
def test_an_image_is_matched_although_a_tool_changed_its_name(name: str) -> None:
    run = with_images("frame_000010.jpg", "frame_000020.jpg")
    compared = compare(run, with_images("frame_000099.jpg", name))
    assert compared.image_count == 1
    assert compared.only_in_run == (UnmatchedImage("frame_000020.jpg", 1),)
    assert compared.only_in_truth == (UnmatchedImage("frame_000099.jpg", 1),)


def test_an_unchanged_name_is_matched_first() -> None:
    compared = compare(
        with_images("a/1.jpg", "b/1.jpg"), with_images("b/1.jpg", "a/1.jpg", "1.jpg")
    )
    assert compared.image_count == 2
    assert compared.only_in_truth == (UnmatchedImage("1.jpg", 1),)


def test_a_name_that_several_images_have_is_not_matched() -> None:
    run = with_images("1.jpg", "2.jpg")
    compared = compare(run, with_images("a/1.jpg", "b/1.jpg", "2.jpg", ""))
    assert compared.image_count == 1
    assert [each.file_name for each in compared.only_in_run] == ["1.jpg"]
    assert [each.file_name for each in compared.only_in_truth] == ["", "a/1.jpg", "b/1.jpg"]


def test_images_without_a_name_are_not_matched() -> None:
    assert compare(with_images("1.jpg", ""), with_images("1.jpg", "")).image_count == 1


@given(run=st.lists(st.sampled_from(NAMES)), truth=st.lists(st.sampled_from(NAMES)))
def test_no_image_is_matched_twice(run: list[str], truth: list[str]) -> None:
    compared = compare(with_images("same", *run), with_images("same", *truth))
    assert compared.image_count + len(compared.only_in_run) == len(run) + 1
    assert compared.image_count + len(compared.only_in_truth) == len(truth) + 1
    assert {box.image_index for box in compared.predicted} == set(range(compared.image_count))
    assert {box.image_index for box in compared.truth} == set(range(compared.image_count))


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (with_images("other.jpg"), '"1.jpg", of the truth "other.jpg"'),
        (with_images(), '"1.jpg", of the truth none'),
        (with_images("xcb0618f6-1.jpg", "cb0618f61.jpg", "cb0618f-1.jpg"), "No image of the run"),
        (with_images("a/1.jpg", "b/1.jpg"), "No image of the run is in the truth"),
    ],
)
def test_a_truth_without_an_image_of_the_run_is_refused(truth: Json, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        compare(with_images("1.jpg"), truth)


def test_an_image_with_another_size_is_refused() -> None:
    run, truth = with_images("1.jpg"), with_images("x/1.jpg")
    run["images"][0] |= {"width": 1920, "height": 1080}
    truth["images"][0] |= {"width": 1280, "height": 720}
    with pytest.raises(
        InputFileError, match=r'"1\.jpg" has a width of 1920 pixels in the run and of 1280'
    ):
        compare(run, truth)
    truth["images"][0] |= {"width": 0, "height": None}
    assert compare(run, truth).image_count == 1


def test_classes_are_matched_by_name() -> None:
    run = coco_file([(1, 1, BBOX)], categories=("person", "car"))
    truth = coco_file([(1, 3, BBOX), (1, 1, BBOX)], categories=("van", "car", "person"))
    compared = compare(run, truth)
    assert compared.class_names == ("car", "person", "van")
    assert [compared.class_names[box.class_index] for box in compared.predicted] == ["person"]
    assert [compared.class_names[box.class_index] for box in compared.truth] == ["person", "van"]


def test_categories_with_the_same_name_are_one_class() -> None:
    truth = coco_file([(1, 1, BBOX), (1, 2, BBOX)], categories=("person", "person"))
    compared = compare(coco_file([(1, 1, BBOX)]), truth)
    assert {box.class_index for box in compared.truth} == {1}


def test_objects_in_unmatched_images_are_not_compared() -> None:
    run = coco_file([(1, 1, BBOX), (2, 1, BBOX)], images=(1, 2))
    truth = coco_file([(2, 1, BBOX), (3, 1, BBOX), (3, 1, BBOX)], images=(2, 3))
    compared = compare(run, truth)
    assert (len(compared.predicted), len(compared.truth)) == (1, 1)
    assert compared.only_in_truth == (UnmatchedImage("frame_3.jpg", 2),)


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (prediction(9, 1, BBOX, 0.5), "it has no image_id 9. If a tool"),
        (prediction("1", 1, BBOX, 0.5), 'it has no image_id "1". If a tool'),
        (prediction(1, 0, BBOX, 0.5), "it has no category_id 0. If a tool"),
    ],
)
def test_predictions_with_ids_that_the_truth_does_not_have_are_refused(
    element: Json, message: str
) -> None:
    with pytest.raises(InputFileError, match=message):
        compare_by_ids(
            coco_builders.parse_predictions([element]), coco_builders.parse_truth(coco_file())
        )


def test_an_error_names_at_most_three_unknown_ids() -> None:
    elements = [prediction(number, 1, BBOX, 0.5) for number in range(10, 20)]
    with pytest.raises(InputFileError, match="no image_id 10, 11, 12 and 7 more"):
        compare_by_ids(
            coco_builders.parse_predictions(elements), coco_builders.parse_truth(coco_file())
        )
