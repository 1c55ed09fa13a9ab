"""The labels of a model, and the mapping of its class ids to them."""

import numpy as np
import pytest

from pipeline.detection.coco_classes import COCO_80, COCO_90
from pipeline.detection.families.common.base import DecodeSpec, to_detections
from pipeline.detection.graph import Graph
from pipeline.detection.labels import LabelMap, labels_from_metadata, map_labels
from pipeline.detection.preprocess import Preprocess
from pipeline.detection.unsupported import UnsupportedModelError
from pipeline.errors import BrokenError
from pipeline.frame import NO_DETECTIONS, Detections


def make_spec(class_count: int | None, first_class_id: int | None = 0) -> DecodeSpec:
    return DecodeSpec(
        why="",
        preprocess=Preprocess(),
        outputs=(),
        decode=lambda *_: NO_DETECTIONS,
        needs_nms=True,
        class_count=class_count,
        first_class_id=first_class_id,
    )


def detections_of_classes(*class_ids: int) -> Detections:
    count = len(class_ids)
    return to_detections(np.zeros((count, 4)), np.ones(count), np.array(class_ids))


def mapped_labels(label_map: LabelMap, *class_ids: int) -> list[str]:
    """Return the labels of detections with these class ids."""
    mapped = label_map.map_class_ids(detections_of_classes(*class_ids))
    return [label_map.labels[index] for index in mapped.class_ids]


@pytest.mark.parametrize(
    ("text", "labels"),
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
def test_labels_in_metadata_are_read_in_each_notation(
    text: str, labels: tuple[str, ...] | None
) -> None:
    assert labels_from_metadata(Graph((), (), {"names": text})) == labels


HUGE_NUMBER = "{0: 0x" + "f" * 6000 + "}"


@pytest.mark.parametrize(
    "text", ["{0: 'a', 2: 'b'}", "{0: 'a'", "[" * 5000, "{'a': 'b'}", HUGE_NUMBER]
)
def test_labels_in_metadata_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(
        UnsupportedModelError, match="'names' in its metadata is not a list of labels by class id"
    ):
        labels_from_metadata(Graph((), (), {"names": text}))


def test_coco_has_80_classes_with_90_ids() -> None:
    assert (len(COCO_80), len(COCO_90)) == (80, 90)
    assert (COCO_80[0], COCO_80[79]) == ("person", "toothbrush")
    # COCO's ids begin with 1: https://cocodataset.org
    assert (COCO_90[17], COCO_90[43], COCO_90[72]) == ("dog", "bottle", "laptop")


@pytest.mark.parametrize(
    ("class_count", "first_class_id", "dog"),
    [(80, 0, 16), (80, 1, 17), (90, 1, 18), (90, 0, 17), (91, 0, 18)],
)
def test_a_model_without_labels_gets_those_of_coco_by_its_number_of_classes(
    class_count: int, first_class_id: int, dog: int
) -> None:
    label_map = map_labels(None, "", make_spec(class_count, first_class_id))
    assert label_map.labels == COCO_80
    assert mapped_labels(label_map, dog) == ["dog"]


@pytest.mark.parametrize(
    "labels", [("cat", "dog"), ("background", "cat", "dog"), ("", "cat", "dog")]
)
@pytest.mark.parametrize("class_count", [2, None])
def test_labels_may_include_the_background(
    labels: tuple[str, ...], class_count: int | None
) -> None:
    label_map = map_labels(labels, "", make_spec(class_count, first_class_id=1))
    assert label_map.labels == ("cat", "dog")
    assert mapped_labels(label_map, 2, 1) == ["dog", "cat"]


@pytest.mark.parametrize("first_class_id", [0, 1])
@pytest.mark.parametrize("class_count", [3, None])
def test_the_placeholder_of_googles_label_maps_is_no_class(
    first_class_id: int, class_count: int | None
) -> None:
    spec = make_spec(class_count, first_class_id)
    label_map = map_labels(("???", "cat", "???", "dog"), "", spec)
    assert label_map.labels == ("cat", "dog")
    ids = range(first_class_id, first_class_id + 3)
    assert mapped_labels(label_map, *ids) == ["cat", "dog"]


def test_googles_placeholder_keeps_its_id_if_there_are_as_many_labels_as_classes() -> None:
    label_map = map_labels(("???", "b"), "", make_spec(2))
    assert label_map.index_by_class_id.tolist() == [-1, 0]


def test_an_extra_label_that_is_not_the_background_is_refused() -> None:
    with pytest.raises(
        UnsupportedModelError, match="it has 2 classes besides the background, which is class 0"
    ):
        map_labels(("cat", "dog", "bird"), "the model card", make_spec(2, first_class_id=1))


def test_class_ids_with_the_same_label_are_one_class() -> None:
    label_map = map_labels(("car", "dog", "car"), "", make_spec(3))
    assert label_map.labels == ("car", "dog")
    assert mapped_labels(label_map, 0, 1, 2) == ["car", "dog", "car"]


def test_lone_surrogates_in_labels_are_replaced() -> None:
    label_map = map_labels(("\ud800", "\U0001f600"), "", make_spec(2))
    assert label_map.labels == ("\ufffd", "\U0001f600")


def test_detections_whose_class_id_means_no_class_are_left_out() -> None:
    label_map = map_labels(("cat", "N/A", "dog"), "", make_spec(3))
    assert label_map.labels == ("cat", "dog")
    assert mapped_labels(label_map, 0, 1, 2) == ["cat", "dog"]


@pytest.mark.parametrize("class_id", [-1, 2])
def test_a_detection_whose_class_id_has_no_label_is_an_error(class_id: int) -> None:
    label_map = map_labels(("cat", "dog"), "the model card", make_spec(None))
    message = (
        rf"an object of class {class_id}, but its labels \(from the model card\) are those of the "
        "classes 0 to 1, 'cat' to 'dog'"
    )
    with pytest.raises(BrokenError, match=message):
        label_map.map_class_ids(detections_of_classes(0, class_id))


def test_a_class_id_below_the_first_one_is_an_error() -> None:
    label_map = map_labels(COCO_80, "the model card", make_spec(None, first_class_id=1))
    assert mapped_labels(label_map, 1, 80) == ["person", "toothbrush"]
    with pytest.raises(
        BrokenError,
        match=r"class 0, but its labels .* of the classes 1 to 80, 'person' to 'toothbrush'\. If "
        "class 0 is the first label, write first_class_id = 0 on the model card",
    ):
        label_map.map_class_ids(detections_of_classes(5, 0))


def test_labels_without_a_known_first_class_need_it_on_the_card() -> None:
    spec = make_spec(None, first_class_id=None)
    with pytest.raises(UnsupportedModelError, match="'cat', is that of class 0 or of class 1"):
        map_labels(("cat", "dog"), "the model card", spec)
    # A label for the background shows it.
    label_map = map_labels(("__background__", "cat", "dog"), "the metadata", spec)
    assert mapped_labels(label_map, 1, 2) == ["cat", "dog"]
    with pytest.raises(BrokenError, match="class 0, but its labels"):
        label_map.map_class_ids(detections_of_classes(0))


@pytest.mark.parametrize(
    ("labels", "class_count", "message"),
    [
        (None, 3, "neither its metadata nor a model card has labels for its 3 classes"),
        (None, None, "neither its metadata nor a model card has labels for its classes"),
        (
            ("a", "b"),
            3,
            r"it has 3 classes, but the number of its labels \(from the model card\) is 2",
        ),
        (("", "n/a"), 2, "is the name of a class"),
    ],
)
def test_a_model_without_a_label_for_each_class_is_refused(
    labels: tuple[str, ...] | None, class_count: int | None, message: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=f"{message}.* as 'labels' on the model card"):
        map_labels(labels, "the model card", make_spec(class_count))
