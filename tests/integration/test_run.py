"""The whole pipeline: from a video to the files of its result."""

import hashlib
import json
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from pipeline.errors import BrokenError
from pipeline.storage.local import FolderStore
from tests.support import clips
from tests.support.runs import coco_of, data_files_of, files_of, frames_of, result_folder, run

# Boxes (x1 y1 x2 y2) that a person measured in the first frame of the sample.
MEASURED = {
    "person": [(257, 220, 284, 309), (502, 160, 527, 232), (650, 243, 684, 323)],
    "car": [(652, 43, 718, 100), (733, 52, 768, 98)],
}
SPARSE = {"every_seconds": 10}

Box = tuple[float, ...]


def boxes_of(coco: COCO, label: str) -> list[Box]:
    """Return the boxes of a class as x1, y1, x2, y2."""
    annotations = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(catNms=[label])))
    return [(x, y, x + w, y + h) for x, y, w, h in (entry["bbox"] for entry in annotations)]


def iou(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return common / sum(((r[2] - r[0]) * (r[3] - r[1]) for r in (a, b)), -common)


def test_the_sample_becomes_a_dataset(tmp_path: Path) -> None:
    outcome = run(tmp_path)
    coco = coco_of(outcome)
    assert set(files_of(outcome)) == {
        "annotations/instances_default.json", "predictions.json", "frames.csv", "logs.csv",
        "report.md", "report.html", "config.json", "manifest.json",
        *(f"images/default/{image['file_name']}" for image in coco.imgs.values()),
    }  # fmt: skip
    assert outcome.log.counts()["frames_sampled"] == 30
    assert len(coco.imgs) == outcome.log.counts()["frames_kept"]
    assert len(coco.cats) == 80
    results = coco.loadRes(str(result_folder(outcome) / "predictions.json"))
    assert len(results.anns) == len(coco.anns) == outcome.log.counts()["detections"]
    for image in coco.imgs.values():
        pixels = cv2.imread(str(result_folder(outcome) / "images/default" / image["file_name"]))
        assert pixels is not None
        assert pixels.shape == (image["height"], image["width"], 3)
        assert image["pts_ms"] == image["frame_index"] * 100


def test_boxes_are_where_a_person_measured_the_objects(tmp_path: Path) -> None:
    coco = coco_of(run(tmp_path, sampling={"end_seconds": 0.5}))
    for label, measured in MEASURED.items():
        boxes = boxes_of(coco, label)
        assert len(boxes) == len(measured)
        for box in measured:
            nearest = max(boxes, key=lambda other: iou(box, other))
            assert iou(box, nearest) > 0.6
            # The model sees 768 pixels as 300, so a box is exact to about 5 pixels.
            assert np.abs(np.subtract(box, nearest)).max() <= 12


def test_boxes_in_a_rotated_video_are_in_displayed_pixels(tmp_path: Path) -> None:
    _, upright = cv2.VideoCapture(str(clips.SAMPLE)).read()
    # The rotation in the header turns the image upright again.
    rotated = np.ascontiguousarray(np.rot90(upright, 1), dtype=np.uint8)
    path = clips.set_rotation(clips.write_clip(tmp_path / "phone.mp4", [rotated] * 3))
    coco = coco_of(run(tmp_path / "out", path))
    (image,) = coco.imgs.values()
    assert (image["width"], image["height"]) == (768, 576)
    for box in MEASURED["person"]:
        assert max(iou(box, other) for other in boxes_of(coco, "person")) > 0.6


def test_frames_csv_has_every_sampled_frame(tmp_path: Path) -> None:
    outcome = run(tmp_path, dedupe={"keep_small_changes": False})
    rows = frames_of(outcome)
    assert [int(row["frame_index"]) for row in rows] == list(range(0, 300, 10))
    kept = {row["frame_index"]: row["hash"] for row in rows if row["status"] == "kept"}
    images = coco_of(outcome).imgs.values()
    assert {str(image["frame_index"]): image["phash"] for image in images} == kept
    dropped = [row for row in rows if row["status"] == "dropped"]
    assert dropped
    for row in dropped:
        differing_bits = int(kept[row["duplicate_of"]], 16) ^ int(row["hash"], 16)
        assert int(row["distance"]) == differing_bits.bit_count() <= 4


def test_two_runs_write_the_same_data_files(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    assert data_files_of(first) == data_files_of(second)
    assert set(files_of(first)) == set(files_of(second))
    assert run(tmp_path / "a").result == first.result


def test_data_files_do_not_depend_on_the_number_of_cpus(tmp_path: Path) -> None:
    one, two, five = (
        data_files_of(run(tmp_path / str(cpus), cpus=cpus, sampling={"every_seconds": 2}))
        for cpus in (1, 2, 5)
    )
    assert one == two == five


def test_a_copy_of_a_video_has_the_same_run_id(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    copy = Path(shutil.copy(clips.SAMPLE, tmp_path / "other"))
    first = run(tmp_path / "a", sampling=SPARSE)
    second = run(tmp_path / "b", copy, sampling=SPARSE)
    assert result_folder(first).name == result_folder(second).name
    assert data_files_of(first) == data_files_of(second)


def test_progress_is_reported_after_each_sampled_frame(tmp_path: Path) -> None:
    calls: list[tuple[float, float | None]] = []
    run(tmp_path, on_progress=lambda done, total: calls.append((done, total)), sampling=SPARSE)
    assert calls == [(0, 30), (10, 30), (20, 30)]


def test_missing_ranges_are_in_the_dataset_and_the_report(tmp_path: Path) -> None:
    images = clips.textures(400, 64, 48)
    path = clips.write_clip(tmp_path / "clip.mov", images, codec="mjpeg", rate=25)
    outcome = run(tmp_path / "out", clips.zero_bytes(path, 0.5, 60_000))
    coverage = outcome.log.coverage
    assert coverage.lost > 0
    info = coco_of(outcome).dataset["info"]["coverage"]
    assert (info["frames_found"], info["frames_lost"]) == (coverage.decoded, coverage.lost)
    report = (result_folder(outcome) / "report.md").read_text()
    assert f"{coverage.lost} are missing, {coverage.seconds_lost:.3f} s in all" in report
    assert f"| {coverage.missing_ranges[0].from_ms / 1000:.3f} |" in report
    row = (result_folder(outcome) / "logs.csv").read_text().splitlines()[2]
    assert f",{coverage.seconds_lost:.3f},{coverage.missing_ranges[0]}" in row


def test_the_result_of_a_rejected_video_is_only_a_rejection(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("not a video at all")
    outcome = run(tmp_path / "out", path)
    assert outcome.status == "rejected"
    files = files_of(outcome)
    assert set(files) == {"rejection.json"}
    rejection = json.loads(files["rejection.json"])
    assert rejection["reason"] == outcome.reason == "not_a_video"
    assert rejection["message"] == outcome.message
    assert rejection["source"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not (result_folder(outcome).parent / "latest.json").exists()


@pytest.mark.parametrize("backend", ["auto", "opencv", "pyav"])
def test_sampling_that_begins_after_the_end_is_a_rejection_and_no_empty_dataset(
    tmp_path: Path, backend: str
) -> None:
    outcome = run(tmp_path, sampling={"start_seconds": 40}, decoding={"backend": backend})
    assert (outcome.status, outcome.reason) == ("rejected", "no_sample")
    assert set(files_of(outcome)) == {"rejection.json"}
    assert outcome.message == (
        f"{clips.SAMPLE} has nothing to sample: sampling.start_seconds is 40 s, and the last frame "
        "that decodes is at 29.9 s. Lower sampling.start_seconds."
    )


class FullDisk(FolderStore):
    """A result store that cannot write the fourth image."""

    def put(self, path: str, data: bytes) -> None:
        if path.endswith("frame_000030.jpg"):
            raise BrokenError(f"{path} cannot be written: No space left on device.")
        super().put(path, data)


def test_a_failure_in_one_stage_ends_all_stages_and_leaves_no_file(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(BrokenError, match="cannot be written: No space left"):
        run(tmp_path, store=FullDisk)
    assert set(threading.enumerate()) == before
    assert list(tmp_path.iterdir()) == []
