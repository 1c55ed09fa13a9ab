"""Which COCO files are accepted, and the error messages for the others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputFileError
from pipeline.evaluation.coco_files import read_predictions, read_run, read_truth
from tests.support import coco_builders

BBOX = (1.0, 2.0, 30.0, 40.0)
COCO = coco_builders.coco_file([(1, 1, BBOX)])
PREDICTION = coco_builders.prediction(1, 1, BBOX, 0.5)


def with_annotation(**changes: object) -> str:
    """Return a COCO file with a second, changed annotation. A value of `...` removes the key."""
    (annotation,) = COCO["annotations"]
    changed = {key: value for key, value in (annotation | changes).items() if value is not ...}
    return json.dumps({**COCO, "annotations": [annotation, changed]})


def with_list(key: str, value: object) -> str:
    """Return a COCO file with another value of `images`, `categories` or `annotations`."""
    return json.dumps({**COCO, key: value})


NESTED_LISTS = "[" * 5000
LONG_NUMBER = "9" * 5000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"it is not JSON \(EOF while parsing a value at line 1 column 0\)"),
        ("hello", "it is not JSON"),
        ('{"images": [', "it is not JSON"),
        (NESTED_LISTS, "it is not JSON"),
        ('{"info": ' + NESTED_LISTS, "it is not JSON"),
        ("[]", "it is not a JSON object with images, categories and annotations. If it is a list"),
        ("null", "it is not a JSON object"),
        ("{}", r"it has no images\."),
        (with_list("images", None), "images is null: input should be"),
        (with_list("images", [7]), r"images\[0\] is 7: input should be"),
        (with_list("images", [{}]), r"images\[0\] has no id"),
        (with_list("images", [{"id": 1.5}]), r"images\[0\].id is 1.5: an id must be a whole"),
        (with_list("images", [{"id": True}]), r"images\[0\].id is true: an id must be"),
        (with_list("images", [{"id": 1}] * 2), "several of its images have the id 1"),
        (with_list("images", []), "annotations have image_id 1, which is not in"),
        (with_list("categories", [{"id": 1}]), r"categories\[0\] has no name"),
        (with_list("categories", COCO["categories"] * 2), "of its categories have the id 1, 2"),
        (with_annotation(image_id="1"), 'annotations have image_id "1", which is not in'),
        (with_annotation(category_id=9), "annotations have category_id 9, which is not in"),
        (with_annotation(bbox=...), r"annotations\[1\] has no bbox\. Export the file again"),
        (with_annotation(bbox=None), r"annotations\[1\].bbox is null"),
        (with_annotation(bbox=[]), r"annotations\[1\].bbox is \[\]: it must be x, y, w, h"),
        (with_annotation(bbox=[1, 2, 3]), r"bbox is \[1, 2, 3\]: it must be x, y, w, h"),
        (with_annotation(bbox=[1, 2, 3, 4, 5]), r"annotations\[1\].bbox is \[1, 2, 3, 4, 5\]"),
        (with_annotation(bbox=[1, 2, -3, 4]), r"annotations\[1\].bbox\[2\] is -3: input should"),
        (with_annotation(bbox=[1, 2, "3", 4]), r'annotations\[1\].bbox\[2\] is "3": input should'),
        (with_annotation(bbox=[float("nan"), 2, 3, 4]), r"bbox\[0\] is NaN: input should be a fin"),
        (with_annotation(bbox=[1, 2, 3, float("inf")]), r"bbox\[3\] is Infinity: input should"),
        (with_annotation(bbox=[1e300, 2, 3, 4]), r"bbox\[0\] is 1e\+300: input should be less"),
        (with_annotation(bbox=[1, 2, 3, "\x1b[31m"]), r'bbox\[3\] is "\\u001b\[31m": input'),
        (with_annotation(area=-1), r"annotations\[1\].area is -1"),
        (with_annotation(area=float("nan")), r"annotations\[1\].area is NaN"),
        (with_annotation(iscrowd="perhaps"), r'annotations\[1\].iscrowd is "perhaps"'),
        (with_annotation(bbox="x" * 999), r'bbox is "x{59}\.\.\.: input should'),
        (with_list("images", [{"id": 1}]).replace("1", LONG_NUMBER), "it is not JSON"),
    ],
)
def test_a_truth_that_cannot_be_compared_is_refused_in_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "truth.json"
    file.write_text(text)
    with pytest.raises(InputFileError, match=message) as refused:
        read_truth(file)
    assert str(refused.value).startswith(f"{file} ")
    assert len(str(refused.value).removeprefix(str(file)).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is not JSON"),
        (
            json.dumps(COCO),
            "it is not a JSON list. If it is a COCO file with images and annotations, give it with",
        ),
        ("null", "it is not a JSON list"),
        ("[[]]", r"element \[0\] is \[\]: input should be"),
        (json.dumps([PREDICTION, {**PREDICTION, "score": None}]), r"element \[1\].score is null"),
        (json.dumps([{**PREDICTION, "score": float("nan")}]), r"element \[0\].score is NaN"),
        (json.dumps([{**PREDICTION, "score": "0.5"}]), r'element \[0\].score is "0.5"'),
        (json.dumps([{"image_id": 1, "category_id": 1}]), r"element \[0\] has no bbox. Each elem"),
    ],
)
def test_predictions_that_cannot_be_compared_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "predictions.json"
    file.write_text(text)
    with pytest.raises(InputFileError, match=message):
        read_predictions(file)


@pytest.mark.parametrize("read", [read_truth, read_predictions])
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    with pytest.raises(InputFileError, match=r"none\.json cannot be read: No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputFileError, match="cannot be read: Is a directory"):
        read(tmp_path)
    (tmp_path / "bytes").write_bytes(b'["\xff\xfe"]')
    with pytest.raises(InputFileError, match="it is not JSON"):
        read(tmp_path / "bytes")


def test_a_folder_that_is_not_of_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is not the folder of a run: it has no annotations/"):
        read_run(tmp_path)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_default.json").write_text(json.dumps(COCO))
    with pytest.raises(InputFileError, match=r"annotations\[0\] has no score"):
        read_run(tmp_path)


def test_keys_that_tools_add_or_leave_out_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "truth.json"
    (annotation,) = COCO["annotations"]
    unusual = {
        **annotation, "segmentation": {"counts": "x"}, "attributes": None, "iscrowd": True,
        "area": None, "score": "?",
    }  # fmt: skip
    text = json.dumps({**COCO, "info": None, "licenses": 7, "annotations": [annotation, unusual]})
    file.write_bytes(
        b"\xef\xbb\xbf" + text.encode()
    )  # a byte order mark, as editors on Windows write
    plain, crowd = read_truth(file).annotations
    assert (plain.iscrowd, crowd.iscrowd) == (False, True)
    assert plain.bbox == crowd.bbox == BBOX
    assert (plain.area, crowd.area) == (None, None)


def test_an_empty_list_of_predictions_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "predictions.json").write_text("[\n\n]\n")
    assert read_predictions(tmp_path / "predictions.json") == []


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "images", "bbox", "score", "image_id"]), inner
        )
    ),
    max_leaves=12,
)


@given(key=st.sampled_from(["images", "categories", "annotations"]), value=json_values)
def test_any_json_is_either_read_or_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "truth.json").write_text(json.dumps({**COCO, key: value}))
    (folder / "predictions.json").write_text(json.dumps(value))
    for read in (read_truth, read_predictions):
        try:
            read(folder / f"{read.__name__.removeprefix('read_')}.json")
        except InputFileError as error:
            assert str(error).endswith(".")  # noqa: PT017 - reading without an error is right too
