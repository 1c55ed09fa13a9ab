"""Export sets: names of images, several results in one, and the classes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dataset.exports.export_set import united, with_categories
from pipeline.dataset.exports.image_names import run_stem
from tests.support.export_sets import CAR, PERSON, STREET, export_set, image, video


def test_images_of_videos_with_one_name_have_different_names() -> None:
    one = export_set(image(0, of=video("cam1/a.mp4", "1111111122222222")))
    other = export_set(image(0, of=video("cam2/a.mp4", "3333333344444444")))
    names = [each.name for each in united([one, other]).images]
    assert names == ["a-11111111-frame_000000.jpg", "a-33333333-frame_000000.jpg"]


@pytest.mark.parametrize(
    ("uri", "stem"),
    [
        ("s3://b/cams/street 1.mp4", "street_1-01234567"),
        ("höhe #1%.tar.mp4", "höhe_1_tar-01234567"),
        ("c:\\videos\\a.mp4", "a-01234567"),
        ("...", "video-01234567"),
        ("x" * 300 + ".mp4", "x" * 60 + "-01234567"),
    ],
)
def test_a_name_has_the_video_without_characters_that_tools_trip_over(uri: str, stem: str) -> None:
    assert run_stem(uri, "0123456789abcdef") == stem


@given(st.text())
def test_a_name_is_never_empty_or_with_folders(uri: str) -> None:
    stem = run_stem(uri, "0123456789abcdef")
    assert not set(stem) & set("/\\:*?\"<>| .%#&'\n\0")
    assert stem.endswith("-01234567")
    assert len(stem) > len("-01234567")


def test_united_classes_keep_their_names_and_each_object_its_class() -> None:
    one = export_set(image(0, [PERSON, CAR]), labels=["person", "car"])
    other = export_set(image(0, [PERSON, CAR], video("b.mp4", "b" * 16)), labels=["bus", "person"])
    both = united([one, other])
    assert both.labels == ("person", "car", "bus")
    found = [[both.labels[box.class_index] for box in each.boxes] for each in both.images]
    assert found == [["person", "car"], ["bus", "person"]]


@pytest.mark.parametrize(
    ("categories", "labels"),
    [
        ("all", ("person", "car", "höhe & <x>")),
        ("used", ("person", "car")),
        ("chosen", ("person", "car", "höhe & <x>")),
    ],
)
def test_categories_are_all_used_or_chosen(categories: str, labels: tuple[str, ...]) -> None:
    assert with_categories(STREET, categories).labels == labels


def test_a_chosen_class_without_objects_stays_and_others_go() -> None:
    exported = replace(
        export_set(image(0, [CAR]), labels=["bus", "person", "cat"]),
        chosen=frozenset(["person", "cat"]),
    )
    chosen = with_categories(exported, "chosen")
    assert chosen.labels == ("person", "cat")
    assert chosen.images[0].boxes[0].class_index == 0
