"""The family `named-columns`: outputs whose names spell their columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.families.common.column_names import spell_columns
from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.registry import recognise_family
from pipeline.detection.unsupported import UnsupportedModelError
from tests.support.graphs import IMAGE_640, decode, float_array, float_tensors, recognise

IMAGE_OF_BGR = TensorInfo("input_bgr", "float32", (1, 3, 480, 640))
XYXY = ("x1", "y1", "x2", "y2")


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("label_xyxy_score", ("class", *XYXY, "score")),
        ("batchno_classid_score_x1y1x2y2", ("batch", "class", "score", *XYXY)),
        ("batchno_classid_x1y1x2y2_score", ("batch", "class", *XYXY, "score")),
        ("batchno_classid_y1x1y2x2_score", ("batch", "class", "y1", "x1", "y2", "x2", "score")),
        ("x1y1x2y2_score_class", (*XYXY, "score", "class")),
        ("final_boxes_y1x1y2x2score", ("y1", "x1", "y2", "x2", "score")),
        ("post/bbox_cxcywh-conf-class_id:0", ("cx", "cy", "w", "h", "score", "class")),
        ("Batch_No.x_min.y_min.x_max.y_max.Score", ("batch", *XYXY, "score")),
        ("x_1_y_1_x_2_y_2_score", (*XYXY, "score")),
        ("tlwh_prob_label", ("x1", "y1", "w", "h", "score", "class")),
        ("batchno_classid_score_x1y1x2y2_landms", ("batch", "class", "score", *XYXY, "extra")),
        ("label_xyxy_score_yaw_pitch", ("class", *XYXY, "score", "extra")),
        ("x1y1x2y2_obj_cls", (*XYXY, "score", "class")),
        ("xmin_ymin_xmax_ymax_objectness_class", (*XYXY, "score", "class")),
        ("ltrb_objconf_class_id", (*XYXY, "score", "class")),
        ("ltrb_object_score_class", (*XYXY, "score", "class")),
        ("label_x0y0x1y1_score", ("class", *XYXY, "score")),
        ("x0_y0_x1_y1_score", (*XYXY, "score")),
        ("y0x0y1x1_score", ("y1", "x1", "y2", "x2", "score")),
        ("x_center_y_center_width_height_conf", ("cx", "cy", "w", "h", "score")),
        ("x_min_x_max_y_min_y_max_score", ("x1", "x2", "y1", "y2", "score")),
        ("label_xyxyn_score", ("class", *XYXY, "score")),
        ("min_x_min_y_max_x_max_y_score", (*XYXY, "score")),
        ("center_x_center_y_w_h_score", ("cx", "cy", "w", "h", "score")),
        ("tl_x-tl_y-br_x-br_y-score", (*XYXY, "score")),
    ],
)
def test_a_name_spells_its_columns(name: str, columns: tuple[str, ...]) -> None:
    spelled = spell_columns(name)
    assert spelled.columns == columns
    assert spelled.has_box


@pytest.mark.parametrize(
    "name",
    [
        *("output0", "boxes", "scores", "detection_boxes", "cls_pred_stride_8", "bbox_8", "logits"),
        *("wh", "xyxy_xyxy", "x1y1x2", ""),
    ],
)
def test_other_names_spell_no_box(name: str) -> None:
    assert not spell_columns(name).has_box


@given(st.text(max_size=300))
def test_any_name_can_be_read(name: str) -> None:
    columns = spell_columns(name).columns
    assert columns.count("extra") <= len(columns)


LABEL_XYXY_SCORE = float_tensors(("label_xyxy_score", (1, 300, 6)))


def test_a_detr_is_stretched_and_the_values_of_its_boxes_show_their_unit() -> None:
    family, spec = recognise([IMAGE_640], LABEL_XYXY_SCORE, operators=frozenset({"TopK"}))
    rows = float_array([[[7, 0.1, 0.2, 0.5, 1.2, 0.9], [0, 0, 0, 1, 1, 0.1]]])
    assert family == "named-columns"
    assert decode(spec, rows) == [([0.1, 0.2, 0.5, 1.2], 0.9, 7)]
    assert spec.box_unit is None
    assert not spec.needs_nms
    preprocess = spec.preprocess
    assert (preprocess.resize, preprocess.colour) == ("stretch", "rgb")
    assert preprocess.scale == 1 / 255
    assert spec.required_card_keys == ()


def test_boxes_in_pixels_stay_as_they_are() -> None:
    tensors = float_tensors(("batchno_classid_score_x1y1x2y2", (None, 7)))
    family, spec = recognise(
        [IMAGE_OF_BGR], tensors, operators=frozenset({"NonMaxSuppression", "Gather"})
    )
    rows = float_array([[0, 2, 0.8, 10, 20, 30, 40], [1, 2, 0.9, 1, 2, 3, 4]])
    assert family == "named-columns"
    assert decode(spec, rows, size=(640, 480)) == [([10, 20, 30, 40], 0.8, 2)]
    assert not spec.needs_nms
    # The name of the input says that it takes the bytes of the image.
    assert (spec.preprocess.colour, spec.preprocess.scale) == ("bgr", 1)
    assert spec.required_card_keys == ()


def test_y_before_x_integers_and_a_score_of_its_own_are_read() -> None:
    boxes = TensorInfo("batchno_classid_y1x1y2x2", "int64", (None, 6))
    scores = TensorInfo("score", "float32", (None, 1))
    _, spec = recognise([IMAGE_640], [scores, boxes], operators=frozenset({"NonMaxSuppression"}))
    assert spec.outputs == ("batchno_classid_y1x1y2x2", "score")
    found = decode(spec, np.array([[0, 0, 1, 0, 2, 2]]), float_array([[0.75]]))
    assert found == [([0, 1, 2, 2], 0.75, 0)]
    assert decode(spec, np.empty((0, 6), np.int64), float_array(np.empty((0, 1)))) == []
    assert spec.box_unit == "pixels"
    # Models with NMS differ in colour order and scale, and no file shows it.
    assert spec.required_card_keys == ("colour", "scale")


def test_sizes_and_centres_are_read() -> None:
    _, spec = recognise([IMAGE_640], float_tensors(("cxcywh_score", (1, 8, 5))))
    assert decode(spec, float_array([[[50, 60, 20, 40, 0.5]]])) == [([40, 40, 60, 80], 0.5, 0)]
    assert spec.class_count == 1
    _, spec = recognise([IMAGE_640], float_tensors(("ltwh_score", (1, 8, 5))))
    assert decode(spec, float_array([[[50, 60, 20, 40, 0.5]]])) == [([50, 60, 70, 100], 0.5, 0)]


def test_further_columns_are_not_read_and_their_words_are_kept() -> None:
    tensors = float_tensors(("batchno_classid_score_x1y1x2y2_landms", (None, 17)))
    _, spec = recognise([IMAGE_640], tensors)
    row = [0, 0, 0.9, 10, 20, 30, 40, *range(10)]
    assert decode(spec, float_array([row])) == [([10, 20, 30, 40], 0.9, 0)]
    assert spec.unread == ("keypoints",)
    _, spec = recognise([IMAGE_640], float_tensors(("pred_xyxy_score", (1, 9, 5))))
    assert spec.unread == ()


def test_yolox_takes_bytes_in_the_order_bgr() -> None:
    tensors = float_tensors(("batchno_classid_score_x1y1x2y2", (None, 7)))
    weights = {"main01_head.obj_preds.0.weight": (1, 64, 1, 1)}
    _, spec = recognise([IMAGE_640], tensors, weights=weights)
    assert (spec.preprocess.colour, spec.preprocess.scale) == ("bgr", 1)
    assert spec.required_card_keys == ()


@pytest.mark.parametrize(
    ("name", "width", "message"),
    [
        ("label_xyxy_score", 7, r"spells 6 columns \(class, x1, y1, x2, y2, score\), but it has 7"),
        ("xywh_score", 5, "does not show whether x and y are the centre of a box"),
        ("x_y_w_h_score", 5, "does not show whether x and y are the centre of a box"),
        ("label_tlbr_score", 6, "does not show whether y or x comes first"),
        ("top_left_bottom_right_score", 5, "does not show whether y or x comes first"),
        ("y1x1y2x2_quality_cls", 6, r"does not say which .* the score \('quality' is unknown\)"),
        ("batchno_classid_x1y1x2y2", 6, "does not say which column is the score. Write score"),
        ("x1y1x2y2_obj_conf_cls_conf_cls_id", 8, "spell the score twice"),
        ("label_bbox_score", 6, "not what the 4 columns of the box are. Write x1y1x2y2"),
        ("lbrt_score_class", 6, "not what the 4 columns of the box are. Write x1y1x2y2"),
    ],
)
def test_a_name_that_does_not_say_what_a_row_holds_is_refused(
    name: str, width: int, message: str
) -> None:
    graph = Graph((IMAGE_640,), float_tensors((name, (1, 300, width))))
    with pytest.raises(UnsupportedModelError, match=message):
        recognise_family(graph)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("label_xyxy_score", None),
        ("label_xyxyn_score", "shares"),
        ("cxcywhn_score", "shares"),
        ("x1y1x2y2n_score", "shares"),
        ("normalized_xyxy_score", "shares"),
        ("label_xyxy_pixels_score", "pixels"),
    ],
)
def test_a_name_can_say_the_unit_of_boxes(name: str, unit: str | None) -> None:
    width = len(spell_columns(name).columns)
    _, spec = recognise([IMAGE_640], float_tensors((name, (1, 300, width))))
    assert spec.box_unit == unit


@pytest.mark.parametrize(
    ("name", "shape", "family"),
    [
        ("bbox_score_class", (1, 300, 6), "end-to-end"),
        ("cxcywh_obj_cls", (1, 25200, 85), "yolov5"),
        ("xywh_cls", (1, 84, 8400), "ultralytics"),
    ],
)
def test_names_of_the_usual_rows_leave_the_decision_to_shapes(
    name: str, shape: tuple[int, ...], family: str
) -> None:
    assert recognise([IMAGE_640], float_tensors((name, shape)))[0] == family


def test_boxes_without_a_score_of_their_own_are_left_to_other_families() -> None:
    tensors = float_tensors(("boxes_xyxy", (1, 10, 4)), ("scores", (1, 10, 80)))
    assert recognise_family(Graph((IMAGE_640,), tensors)) is None
