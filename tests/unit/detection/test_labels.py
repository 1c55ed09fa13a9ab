"""What class ids are called."""

import numpy as np
import pytest

from pipeline.detection.coco_classes import COCO_80, COCO_90
from pipeline.detection.families.common.base import DecodeSpec, to_detections
from pipeline.detection.graph import Graph
from pipeline.detection.labels import labels_from_metadata, map_labels
from pipeline.detection.preprocess import Preprocess
from pipeline.detection.unsupported import UnsupportedModelError
from pipeline.errors import BrokenError
from pipeline.frame import Detections


def spec(count: int | None, first: int = 0) -> DecodeSpec:
    nothing = to_detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    return DecodeSpec(
        why="",
        preprocess=Preprocess(),
        outputs=(),
        decode=lambda *_: nothing,
        needs_nms=True,
        class_count=count,
        first_class_id=first,
    )


def found(*class_ids: int) -> Detections:
    count = len(class_ids)
    return to_detections(np.zeros((count, 4)), np.ones(count), np.array(class_ids))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{0: 'a', 1: \"b's\"}", ("a", "b's")),
        ('{"1": "b", "0": "a"}', ("a", "b")),
        ("['a', 'b']", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ("{1: 'a', 2: 'b'}", ("", "a", "b")),
        ("{'b': 1, 'a': 0}", ("a", "b")),
        ("a, b", ("a", "b")),
        ("a, really\nb\n", ("a, really", "b")),
        ("__import__('os').getcwd()", ("__import__('os').getcwd()",)),
        ("80", None),
        (" ", None),
        ("{}", None),
    ],
)
def test_names_in_metadata(text: str, names: tuple[str, ...] | None) -> None:
    assert labels_from_metadata(Graph((), (), {"names": text})) == names


HUGE = "{0: 0x" + "f" * 6000 + "}"


@pytest.mark.parametrize("text", ["{0: 'a', 2: 'b'}", "{0: 'a'", "[" * 5000, "{'a': 'b'}", HUGE])
def test_names_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(
        UnsupportedModelError, match="'names', and it is no list of labels by class id"
    ):
        labels_from_metadata(Graph((), (), {"names": text}))


def test_coco_has_80_classes_under_90_numbers() -> None:
    assert (len(COCO_80), len(COCO_90)) == (80, 90)
    assert (COCO_80[0], COCO_80[79]) == ("person", "toothbrush")
    # Numbers from 1, as COCO counts: https://cocodataset.org
    assert (COCO_90[17], COCO_90[43], COCO_90[72]) == ("dog", "bottle", "laptop")


@pytest.mark.parametrize(
    ("count", "first", "dog"), [(80, 0, 16), (80, 1, 17), (90, 1, 18), (90, 0, 17), (91, 0, 18)]
)
def test_cocos_own_numbers(count: int, first: int, dog: int) -> None:
    labels = map_labels(None, "", spec(count, first))
    assert labels.labels == COCO_80
    assert [labels.labels[index] for index in labels.map_class_ids(found(dog)).class_ids] == ["dog"]


def test_the_background_may_be_named_or_not() -> None:
    for names in (("cat", "dog"), ("background", "cat", "dog"), ("", "cat", "dog")):
        for count in (2, None):
            labels = map_labels(names, "", spec(count, first=1))
            assert labels.labels == ("cat", "dog")
            assert labels.map_class_ids(found(2, 1)).class_ids.tolist() == [1, 0]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [3, None])
def test_what_googles_label_maps_begin_with_is_no_class(first: int, count: int | None) -> None:
    labels = map_labels(("???", "cat", "???", "dog"), "", spec(count, first))
    assert labels.labels == ("cat", "dog")
    assert labels.map_class_ids(found(first, first + 1, first + 2)).class_ids.tolist() == [0, 1]


def test_a_first_class_is_not_taken_for_the_background() -> None:
    with pytest.raises(
        UnsupportedModelError, match="are 3, and it has 2 classes, without the background"
    ):
        map_labels(("cat", "dog", "bird"), "its card's", spec(2, first=1))


def test_ids_of_one_name_are_one_class() -> None:
    labels = map_labels(("car", "dog", "car"), "", spec(3))
    assert labels.labels == ("car", "dog")
    assert labels.map_class_ids(found(0, 1, 2)).class_ids.tolist() == [0, 1, 0]


def test_halves_of_characters_are_replaced() -> None:
    assert map_labels(("\ud800", "\U0001f600"), "", spec(2)).labels == ("\ufffd", "\U0001f600")


def test_what_fits_is_not_cut_off() -> None:
    assert map_labels(("???", "b"), "", spec(2)).index_by_class_id.tolist() == [-1, 0]


def test_ids_that_mean_no_class_are_left_out() -> None:
    labels = map_labels(("cat", "N/A", "dog"), "", spec(3))
    assert labels.labels == ("cat", "dog")
    assert labels.map_class_ids(found(0, 1, 2)).class_ids.tolist() == [0, 1]


@pytest.mark.parametrize("class_id", [-1, 2])
def test_a_class_without_a_name_is_no_object(class_id: int) -> None:
    labels = map_labels(("cat", "dog"), "its card's", spec(None))
    with pytest.raises(BrokenError, match=f"finds class {class_id}, and its labels"):
        labels.map_class_ids(found(0, class_id))


@pytest.mark.parametrize(
    ("names", "count", "says"),
    [
        (None, 3, "what its 3 classes are called. Put 'labels'"),
        (None, None, "how many classes it has. Put 'labels'"),
        (("a", "b"), 3, "are 2, and it has 3 classes. Put as many"),
        (("", "n/a"), 2, "name no class"),
    ],
)
def test_what_is_refused(names: tuple[str, ...] | None, count: int | None, says: str) -> None:
    with pytest.raises(UnsupportedModelError, match=says):
        map_labels(names, "its card's", spec(count))
