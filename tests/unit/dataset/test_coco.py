"""The COCO files: their content, and that pycocotools reads them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO

from pipeline import __version__
from pipeline.coverage import Coverage, MissingRange
from pipeline.dataset import coco
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.frame import Detections, Display, FrameRecord, Track

NO_BOXES: list[tuple[float, ...]] = []


def detections(rows: list[tuple[float, ...]]) -> Detections:
    """Return detections from rows of x1, y1, x2, y2, score, class id."""
    table = np.array(rows, dtype=np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def kept(index: int, rows: list[tuple[float, ...]]) -> FrameRecord:
    return FrameRecord(
        index, index * 40.0, 0, 640, 480, "00ff00ff00ff00ff", detections=detections(rows)
    )


def dataset(*frames: FrameRecord) -> Dataset:
    return Dataset(
        video="a b/höhe.mp4",
        modified=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        labels=("person", "car"),
        hash_name="phash",
        start_ms=1480.0,
        track=Track(2, 2, ("h264 640x360",)),
        display=Display(352, 576, "24:11", mirrored=True, rotation=90),
        frames=FrameTable.of(frames),
    )


def instances(of: Dataset) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(coco.instances(of)))


def test_instances_have_all_members_of_a_coco_file() -> None:
    found = instances(
        dataset(kept(0, NO_BOXES), kept(25, [(10.004, 20, 110.126, 60.5, 0.87654, 1)]))
    )
    assert found["info"]["start_ms"] == 1480.0
    assert found["info"]["display"] == {
        "stored_width": 352, "stored_height": 576, "sample_aspect_ratio": "24:11",
        "mirrored": True, "rotation": 90, "ratio_changes_ms": None,
    }  # fmt: skip
    assert found["info"]["track"] == {"number": 2, "count": 2, "ignored": ["h264 640x360"]}
    assert found["info"]["date_created"] == "2026-03-01T12:30:00Z"
    assert found["info"]["contributor"] == f"pretag {__version__}"
    assert found["licenses"] == []
    assert [(each["id"], each["name"]) for each in found["categories"]] == [
        (1, "person"),
        (2, "car"),
    ]
    assert found["images"] == [
        {
            "id": 1, "file_name": "frame_000000.jpg", "width": 640, "height": 480,
            "frame_index": 0, "pts_ms": 0.0, "phash": "00ff00ff00ff00ff",
        },
        {
            "id": 2, "file_name": "frame_000025.jpg", "width": 640, "height": 480,
            "frame_index": 25, "pts_ms": 1000.0, "phash": "00ff00ff00ff00ff",
        },
    ]  # fmt: skip
    assert found["annotations"] == [
        {
            "id": 1, "image_id": 2, "category_id": 2, "bbox": [10.0, 20.0, 100.13, 40.5],
            "score": 0.8765, "area": 4055.265, "iscrowd": 0, "segmentation": [],
        }
    ]  # fmt: skip


def test_the_coverage_is_in_the_info() -> None:
    found = dataset(kept(0, NO_BOXES))
    found.coverage = Coverage(90, 8, 2, 0.08, (MissingRange(40, 120, 2),))
    assert instances(found)["info"]["coverage"] == {
        "share": 0.978261, "frames_found": 98, "frames_lost": 2,
        "seconds_lost": 0.08, "seconds_short": 0.0,
        "missing_ranges": [{"from_ms": 40, "to_ms": 120, "frames": 2}],
    }  # fmt: skip


def test_each_image_and_each_annotation_has_a_line_of_its_own() -> None:
    found = dataset(kept(0, [(0, 0, 5, 5, 0.9, 0)]), kept(1, [(0, 0, 5, 5, 0.9, 1)]))
    lines = coco.instances(found).decode().splitlines()
    assert sum('"bbox"' in line for line in lines) == 2
    assert sum('"file_name"' in line for line in lines) == 2


def test_images_have_no_hash_if_none_was_computed() -> None:
    plain = dataset(kept(0, NO_BOXES))
    plain.hash_name = None
    assert "phash" not in instances(plain)["images"][0]


def test_pycocotools_reads_both_files(tmp_path: Path) -> None:
    found = dataset(kept(3, [(0, 0, 50, 50, 0.9, 0), (5, 5, 9, 9, 0.5, 1)]), kept(9, NO_BOXES))
    (tmp_path / "instances.json").write_bytes(coco.instances(found))
    (tmp_path / "predictions.json").write_bytes(coco.predictions(found))
    coco_file = COCO(str(tmp_path / "instances.json"))
    results = coco_file.loadRes(str(tmp_path / "predictions.json"))
    assert sorted(coco_file.imgs) == [1, 2]
    assert [each["bbox"] for each in results.anns.values()] == [
        each["bbox"] for each in coco_file.anns.values()
    ]


def test_predictions_are_an_empty_list_if_nothing_was_found() -> None:
    assert json.loads(coco.predictions(dataset(kept(0, NO_BOXES)))) == []


side = st.floats(0, 640, width=32)


@given(x1=side, x2=side, y1=st.floats(0, 480, width=32), y2=st.floats(0, 480, width=32))
def test_rounded_boxes_stay_inside_the_image(x1: float, x2: float, y1: float, y2: float) -> None:
    row = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2), 0.5, 0)
    found = instances(dataset(kept(0, [row])))["annotations"][0]
    x, y, width, height = found["bbox"]
    assert 0 <= x <= round(x + width, 2) <= 640
    assert 0 <= y <= round(y + height, 2) <= 480
    assert found["area"] == pytest.approx(width * height, abs=1e-4)
