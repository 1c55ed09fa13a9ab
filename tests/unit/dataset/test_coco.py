"""The COCO files: known answers, the reference reader, and the rules that labelling tools need."""

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
from pipeline.dataset import coco
from pipeline.dataset.dataset import Dataset
from pipeline.frame import Detections, FrameRecord
from pipeline.runlog import Coverage, MissingRange

NOTHING: list[tuple[float, ...]] = []


def detections(rows: list[tuple[float, ...]]) -> Detections:
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
        frames=list(frames),
    )


def instances(found: Dataset) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(coco.instances(found)))


def test_known_answer() -> None:
    found = instances(
        dataset(kept(0, NOTHING), kept(25, [(10.004, 20, 110.126, 60.5, 0.87654, 1)]))
    )
    assert found["info"]["start_ms"] == 1480.0
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


def test_coverage_is_told() -> None:
    found = dataset(kept(0, NOTHING))
    found.coverage = Coverage(90, 8, 2, 0.08, (MissingRange(40, 120, 2),))
    assert instances(found)["info"]["coverage"] == {
        "share": 0.978261, "frames_found": 98, "frames_lost": 2,
        "seconds_lost": 0.08, "seconds_short": 0.0,
        "missing_ranges": [{"from_ms": 40, "to_ms": 120, "frames": 2}],
    }  # fmt: skip


def test_a_line_is_a_row() -> None:
    found = dataset(kept(0, [(0, 0, 5, 5, 0.9, 0)]), kept(1, [(0, 0, 5, 5, 0.9, 1)]))
    lines = coco.instances(found).decode().splitlines()
    assert sum('"bbox"' in line for line in lines) == 2
    assert sum('"file_name"' in line for line in lines) == 2


def test_without_hashes_images_have_none() -> None:
    plain = dataset(kept(0, NOTHING))
    plain.hash_name = None
    assert "phash" not in instances(plain)["images"][0]


def test_the_reference_reader_reads_both_files(tmp_path: Path) -> None:
    found = dataset(kept(3, [(0, 0, 50, 50, 0.9, 0), (5, 5, 9, 9, 0.5, 1)]), kept(9, NOTHING))
    (tmp_path / "instances.json").write_bytes(coco.instances(found))
    (tmp_path / "predictions.json").write_bytes(coco.predictions(found))
    truth = COCO(str(tmp_path / "instances.json"))
    results = truth.loadRes(str(tmp_path / "predictions.json"))
    assert sorted(truth.imgs) == [1, 2]
    assert [each["bbox"] for each in results.anns.values()] == [
        each["bbox"] for each in truth.anns.values()
    ]


def test_nothing_found_is_an_empty_list() -> None:
    assert json.loads(coco.predictions(dataset(kept(0, NOTHING)))) == []


side = st.floats(0, 640, width=32)


@given(x1=side, x2=side, y1=st.floats(0, 480, width=32), y2=st.floats(0, 480, width=32))
def test_rounded_boxes_stay_in_the_picture(x1: float, x2: float, y1: float, y2: float) -> None:
    row = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2), 0.5, 0)
    found = instances(dataset(kept(0, [row])))["annotations"][0]
    x, y, width, height = found["bbox"]
    assert 0 <= x <= round(x + width, 2) <= 640
    assert 0 <= y <= round(y + height, 2) <= 480
    assert found["area"] == pytest.approx(width * height, abs=1e-4)
