"""Each export format: known answers, and what is known to go wrong with other converters."""

from __future__ import annotations

import csv
import json
import typing
from xml.etree import ElementTree as ET

import pytest
import yaml

from pipeline.config.schema import ExportName
from pipeline.dataset.exports.export_set import with_categories
from pipeline.dataset.exports.form import Options
from pipeline.dataset.exports.registry import FORMATS
from pipeline.errors import InputFileError
from pipeline.frame import Display
from tests.support.export_sets import CAR, PERSON, STREET, export_set, image, video

STEM = "street-01234567"


def files(form: str, exported: object = STREET, **options: typing.Any) -> dict[str, str]:  # noqa: ANN401 - what Options takes
    """Return the files of an export by path."""
    assert isinstance(exported, type(STREET))
    return {path: data.decode() for path, data in FORMATS[form].files(exported, Options(**options))}


def image_path(form: str) -> str | None:
    """Return the path of the first image in an export."""
    path = FORMATS[form].image_path
    return None if path is None else path(STREET.images[0])


def test_the_configuration_names_all_formats() -> None:
    assert list(FORMATS) == list(typing.get_args(ExportName))


# CVAT, images


def test_cvat_labels_have_an_attribute_for_the_score_because_cvat_drops_unknown_attributes() -> (
    None
):
    labels = json.loads(files("cvat")["cvat_labels.json"])
    assert [each["name"] for each in labels] == ["person", "car", "höhe & <x>"]
    for label in labels:
        (attribute,) = label["attributes"]
        assert attribute["name"] == "score"
        assert attribute["input_type"] == "text"


def test_cvat_labels_have_each_class_of_the_coco_file_because_one_unknown_label_fails_it_all() -> (
    None
):
    written = files("cvat", with_categories(STREET, "used"))
    labels = {each["name"] for each in json.loads(written["cvat_labels.json"])}
    coco = json.loads(written[f"annotations/instances_{STEM}.json"])
    assert {each["name"] for each in coco["categories"]} == labels == {"person", "car"}


def test_a_cvat_project_gets_a_task_for_each_video_with_its_name() -> None:
    other = video("s3://bucket/other.mp4", "fedcba9876543210")
    both = export_set(image(0, [CAR]), image(0, [PERSON], other))
    written = files("cvat", both)
    assert {path for path in written if path.startswith("annotations")} == {
        f"annotations/instances_{STEM}.json",
        "annotations/instances_other-fedcba98.json",
    }
    paths = [FORMATS["cvat"].image_path(each) for each in both.images]  # type: ignore[misc]
    assert paths == [
        f"images/{STEM}/{STEM}-frame_000000.jpg",
        "images/other-fedcba98/other-fedcba98-frame_000000.jpg",
    ]


def test_coco_ids_count_from_1_and_scores_and_boxes_are_kept() -> None:
    coco = json.loads(files("cvat")[f"annotations/instances_{STEM}.json"])
    assert [each["id"] for each in coco["categories"]] == [1, 2, 3]
    assert [each["id"] for each in coco["images"]] == [1, 2, 3]
    assert [each["id"] for each in coco["annotations"]] == [1, 2, 3]
    assert coco["annotations"][0] == {
        "id": 1, "image_id": 1, "category_id": 1, "bbox": [10.5, 20.25, 30.1, 40.05],
        "score": 0.9007, "area": 1205.505, "iscrowd": 0, "segmentation": [],
    }  # fmt: skip
    assert coco["info"]
    assert coco["licenses"] == []


# CVAT, video


def boxes_of(xml: str) -> list[dict[str, str]]:
    return [
        {"label": str(track.get("label")), "score": str(box.findtext("attribute")), **box.attrib}
        for track in ET.fromstring(xml).iter("track")  # noqa: S314 - our own file
        for box in track.iter("box")
    ]


def test_cvat_video_tracks_are_visible_on_the_frame_of_the_video_alone() -> None:
    boxes = boxes_of(files("cvat-video")[f"{STEM}.xml"])
    assert [(each["frame"], each["outside"], each["label"]) for each in boxes] == [
        ("0", "0", "person"),
        ("1", "1", "person"),
        ("0", "0", "car"),
        ("1", "1", "car"),
        ("99", "0", "person"),  # the last frame of the video: a frame 100 would fail the import
    ]
    sides = {name: boxes[0][name] for name in ("xtl", "ytl", "xbr", "ybr", "score", "keyframe")}
    assert sides == {
        "xtl": "10.50", "ytl": "20.25", "xbr": "40.60", "ybr": "60.30", "score": "0.9007",
        "keyframe": "1",
    }  # fmt: skip


def test_cvat_video_with_a_frame_step_ends_tracks_on_the_next_frame_of_the_task() -> None:
    exported = export_set(image(0, [PERSON]), image(50, [PERSON]))
    boxes = boxes_of(files("cvat-video", exported, frame_step=25)[f"{STEM}.xml"])
    assert [each["frame"] for each in boxes] == ["0", "25", "50", "75"]


def test_cvat_video_refuses_a_frame_step_that_lacks_a_frame_because_cvat_imports_nothing_then() -> (
    None
):
    exported = export_set(image(0, [PERSON]), image(20, [PERSON]), image(50))
    with pytest.raises(InputFileError, match=r"does not have frame 20 .*--frame-step 10"):
        files("cvat-video", exported, frame_step=25)


def test_cvat_video_has_pixels_of_cvats_frames_which_are_not_made_square() -> None:
    turned = video(display=Display(360, 288, "16:11", rotation=90))
    exported = export_set(image(0, [PERSON], turned, size=(288, 524)))
    box = boxes_of(files("cvat-video", exported)[f"{STEM}.xml"])[0]
    assert (box["xtl"], box["xbr"]) == ("10.50", "40.60")
    assert (box["ytl"], box["ybr"]) == (f"{20.25 * 360 / 524:.2f}", f"{60.3 * 360 / 524:.2f}")


def test_cvat_video_refuses_a_mirrored_video_which_cvat_shows_unmirrored() -> None:
    exported = export_set(image(0, [PERSON], video(display=Display(640, 480, mirrored=True))))
    with pytest.raises(InputFileError, match="marked as mirrored"):
        files("cvat-video", exported)


# Label Studio


def test_label_studio_gets_predictions_with_scores_and_no_finished_annotations() -> None:
    tasks = json.loads(files("label-studio")["tasks.json"])
    assert all("annotations" not in task for task in tasks)
    (prediction,) = tasks[0]["predictions"]
    assert prediction["score"] == pytest.approx((0.9007 + 0.5) / 2, abs=1e-4)
    person, car = prediction["result"]
    assert person["score"] == 0.9007
    assert person["value"] == {
        "x": pytest.approx(100 * 10.5 / 640),
        "y": pytest.approx(100 * 20.25 / 480),
        "width": pytest.approx(100 * 30.1 / 640),
        "height": pytest.approx(100 * 40.05 / 480),
        "rotation": 0,
        "rectanglelabels": ["person"],
    }
    assert (car["original_width"], car["original_height"]) == (640, 480)
    assert tasks[2]["predictions"][0]["result"] == []


def test_label_studios_config_has_the_classes_and_the_names_that_predictions_use() -> None:
    written = files("label-studio", with_categories(STREET, "used"))
    root = ET.fromstring(written["label_config.xml"])  # noqa: S314 - our own file
    buttons = root.find("RectangleLabels")
    assert buttons is not None
    assert [each.get("value") for each in buttons] == ["person", "car"]
    region = json.loads(written["tasks.json"])[0]["predictions"][0]["result"][0]
    assert (buttons.get("name"), buttons.get("toName")) == (region["from_name"], region["to_name"])


@pytest.mark.parametrize(
    ("location", "images_at", "url"),
    [
        ("out/street", None, f"/data/local-files/?d=images/{STEM}-frame_000000.jpg"),
        ("s3://b/x/run", None, "s3://b/x/run/images/default/frame_000000.jpg"),
        ("s3://b/x/run", "https://host/i/", f"https://host/i/{STEM}-frame_000000.jpg"),
    ],
)
def test_label_studio_reads_images_in_s3_where_they_are(
    location: str, images_at: str | None, url: str
) -> None:
    exported = export_set(image(0, [PERSON], video(location=location)))
    task = json.loads(files("label-studio", exported, images_at=images_at)["tasks.json"])[0]
    assert task["data"]["image"] == url


# Training


def test_yolo_class_ids_count_from_0_and_lines_have_five_columns() -> None:
    written = files("yolo")
    lines = written[f"labels/train/{STEM}-frame_000000.txt"].splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1"]
    assert [float(value) for value in lines[0].split()[1:]] == pytest.approx(
        [(10.5 + 30.1 / 2) / 640, (20.25 + 40.05 / 2) / 480, 30.1 / 640, 40.05 / 480], abs=1e-8
    )
    assert lines[1] == "1 0.50000000 0.50000000 1.00000000 1.00000000"
    data = yaml.safe_load(written["data.yaml"])
    assert data["names"] == {0: "person", 1: "car", 2: "höhe & <x>"}
    assert data["train"] == data["val"] == "images/train"
    assert image_path("yolo") == f"images/train/{STEM}-frame_000000.jpg"


def test_yolo_has_an_empty_file_for_an_image_without_objects() -> None:
    assert not files("yolo")[f"labels/train/{STEM}-frame_000050.txt"]


def test_voc_counts_pixels_from_1_and_has_decimals_and_scores() -> None:
    written = files("voc")
    root = ET.fromstring(written[f"Annotations/{STEM}-frame_000000.xml"])  # noqa: S314
    assert root.findtext("filename") == f"{STEM}-frame_000000.jpg"
    person = root.find("object")
    assert person is not None
    names = ("name", "bndbox/xmin", "bndbox/ymin", "bndbox/xmax", "bndbox/ymax")
    assert [person.findtext(name) for name in names] == [
        "person", "11.50", "21.25", "40.60", "60.30",
    ]  # fmt: skip
    assert person.findtext("attributes/attribute/value") == "0.9007"
    assert written["labelmap.txt"].splitlines()[1:] == [
        "background:::", "person:::", "car:::", "höhe & <x>:::",
    ]  # fmt: skip
    assert len(written["ImageSets/Main/default.txt"].splitlines()) == 3


def test_voc_refuses_a_class_that_its_list_cannot_have() -> None:
    with pytest.raises(InputFileError, match=r"output\.class_names"):
        files("voc", export_set(image(0), labels=["a:b"]))


def test_roboflow_has_the_coco_file_beside_the_images() -> None:
    coco = json.loads(files("roboflow")["train/_annotations.coco.json"])
    assert image_path("roboflow") == f"train/{coco['images'][0]['file_name']}"


def test_fiftyone_has_data_and_labels_json() -> None:
    coco = json.loads(files("fiftyone")["labels.json"])
    assert image_path("fiftyone") == f"data/{coco['images'][0]['file_name']}"


def test_coco_annotator_gets_a_polygon_because_it_skips_objects_without_one() -> None:
    annotation = json.loads(files("coco-annotator")["coco.json"])["annotations"][0]
    assert annotation["segmentation"] == [[10.5, 20.25, 40.6, 20.25, 40.6, 60.3, 10.5, 60.3]]


def test_hugging_face_metadata_is_beside_the_images_with_a_row_for_each() -> None:
    written = files("huggingface")
    rows = [json.loads(line) for line in written["train/metadata.jsonl"].splitlines()]
    assert image_path("huggingface") == f"train/{rows[0]['file_name']}"
    assert rows[0]["objects"] == {
        "bbox": [[10.5, 20.25, 30.1, 40.05], [0.0, 0.0, 640.0, 480.0]],
        "category": [0, 1],
        "label": ["person", "car"],
        "score": [0.9007, 0.5],
    }
    assert rows[2]["objects"]["bbox"] == []
    assert json.loads(written["id2label.json"])["1"] == "car"


def test_csv_has_a_row_for_each_object_and_no_formula() -> None:
    exported = export_set(image(0, [PERSON, CAR]), image(50), labels=["=1+1", "car"])
    rows = list(csv.DictReader(files("csv", exported)["objects.csv"].splitlines()))
    assert [each["class"] for each in rows] == ["'=1+1", "car"]
    assert rows[0]["video"] == "in/street.mp4"
    assert [rows[0][name] for name in ("x", "y", "width", "height", "score", "frame_index")] == [
        "10.5", "20.25", "30.1", "40.05", "0.9007", "0",
    ]  # fmt: skip
