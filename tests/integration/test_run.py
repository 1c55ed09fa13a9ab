"""The whole way, from a clip to the output tree."""

import csv
import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from pipeline.config.schema import Config
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import BrokenError
from pipeline.outcome import Outcome
from pipeline.run import annotate
from pipeline.storage.local import FolderSink, LocalVideo
from tests.support import clips

# Corners of what a person sees in the sample's first frame, read off an enlarged picture.
SEEN = {
    "person": [(257, 220, 284, 309), (502, 160, 527, 232), (650, 243, 684, 323)],
    "car": [(652, 43, 718, 100), (733, 52, 768, 98)],
}
CLOCKED = {"logs.csv", "report.md", "manifest.json"}

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load("ssdlite_mobilenet_v2_coco")


@pytest.fixture
def run(model: Model, tmp_path: Path) -> Run:
    def call(video: Path = clips.SAMPLE, out: str = "out", **sections: dict[str, Any]) -> Outcome:
        config = Config.model_validate(sections)
        source = LocalVideo.at(video)
        detector = Detector(model, config.detector)
        return annotate(
            source,
            config,
            detector,
            lambda run_id: FolderSink(tmp_path / out, source.name, run_id),
            cpus=2,
        )

    return call


def result(outcome: Outcome) -> Path:
    assert outcome.result is not None
    return Path(outcome.result)


def coco_of(outcome: Outcome) -> COCO:
    return COCO(str(result(outcome) / "annotations" / "instances_default.json"))


def files(outcome: Outcome) -> dict[str, bytes]:
    top = result(outcome)
    return {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()}


def frames(outcome: Outcome) -> list[dict[str, str]]:
    with (result(outcome) / "frames.csv").open() as file:
        return list(csv.DictReader(file))


def iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return common / sum(((r[2] - r[0]) * (r[3] - r[1]) for r in (a, b)), -common)


def test_the_sample_becomes_a_dataset(run: Run) -> None:
    outcome = run()
    tree = files(outcome)
    truth = coco_of(outcome)
    assert set(tree) == {
        "annotations/instances_default.json", "predictions.json", "frames.csv", "logs.csv",
        "report.md", "config.json", "manifest.json",
        *(f"images/default/{image['file_name']}" for image in truth.imgs.values()),
    }  # fmt: skip
    assert outcome.log.counts()["frames_sampled"] == 30
    assert len(truth.imgs) == outcome.log.counts()["frames_kept"]
    assert len(truth.cats) == 80
    results = truth.loadRes(str(result(outcome) / "predictions.json"))
    assert len(results.anns) == len(truth.anns) == outcome.log.counts()["detections"]
    for image in truth.imgs.values():
        pixels = cv2.imread(str(result(outcome) / "images" / "default" / image["file_name"]))
        assert pixels is not None
        assert pixels.shape == (image["height"], image["width"], 3)
        assert image["pts_ms"] == image["frame_index"] * 100


def test_the_boxes_are_where_a_person_sees_the_objects(run: Run) -> None:
    truth = coco_of(run(sampling={"end_seconds": 0.5}))
    found = [
        (truth.cats[each["category_id"]]["name"], each["bbox"]) for each in truth.anns.values()
    ]
    for label, boxes in SEEN.items():
        mine = [(x, y, x + w, y + h) for name, (x, y, w, h) in found if name == label]
        assert len(mine) == len(boxes)
        for box in boxes:
            # 300 input pixels for 768: a box is right within some 5 pixels, not to the pixel.
            assert max(iou(box, other) for other in mine) > 0.6
            nearest = max(mine, key=lambda other: iou(box, other))
            assert np.abs(np.subtract(box, nearest)).max() <= 12


def test_portrait_boxes_are_in_displayed_pixels(run: Run, tmp_path: Path) -> None:
    capture = cv2.VideoCapture(str(clips.SAMPLE))
    _, upright = capture.read()
    lying = np.ascontiguousarray(np.rot90(upright, 1))  # the header's turn sets it upright again
    path = clips.write_clip(tmp_path / "phone.mp4", [np.asarray(lying, dtype=np.uint8)] * 3)
    truth = coco_of(run(clips.set_rotation(path)))
    (image,) = truth.imgs.values()
    assert (image["width"], image["height"]) == (768, 576)
    people = [
        (x, y, x + w, y + h)
        for x, y, w, h in (each["bbox"] for each in truth.anns.values() if each["category_id"] == 1)
    ]
    for box in SEEN["person"]:
        assert max(iou(box, other) for other in people) > 0.6


def test_a_second_run_writes_the_same_bytes(run: Run) -> None:
    first, second = files(run(out="a")), files(run(out="b"))
    assert set(first) == set(second)
    different = {path for path, data in first.items() if second[path] != data}
    assert different <= CLOCKED
    assert run(out="a").result == run(out="a").result


def test_frames_csv_has_every_sampled_frame(run: Run) -> None:
    outcome = run()
    rows = frames(outcome)
    assert [int(row["frame_index"]) for row in rows] == list(range(0, 300, 10))
    kept = {row["frame_index"]: row["hash"] for row in rows if row["status"] == "kept"}
    dropped = [row for row in rows if row["status"] == "dropped"]
    assert dropped
    for row in dropped:
        twin = kept[row["duplicate_of"]]
        assert int(row["distance"]) == (int(twin, 16) ^ int(row["hash"], 16)).bit_count() <= 4
    truth = coco_of(outcome)
    assert {str(image["frame_index"]): image["phash"] for image in truth.imgs.values()} == kept


def test_segments_join_to_one_dataset(run: Run) -> None:
    whole = run(dedupe={"max_distance": 0})
    parts = run(dedupe={"max_distance": 0}, segment={"seconds": 7})
    assert {row["segment"] for row in frames(parts)} == {"0", "1", "2", "3", "4"}
    assert coco_of(parts).anns == coco_of(whole).anns


def test_a_scene_that_comes_back_in_another_segment_is_dropped_by_the_merge(
    run: Run, tmp_path: Path
) -> None:
    scenes = [clips.texture(seed) for seed in (1, 2, 1, 3)]
    path = clips.write_clip(tmp_path / "clip.mp4", [scene for scene in scenes for _ in range(10)])
    rows = frames(run(path, segment={"seconds": 2}))
    assert [(row["status"], row["reason"], row["duplicate_of"]) for row in rows] == [
        ("kept", "", ""),
        ("kept", "", ""),
        ("dropped", "duplicate_across_segments", "0"),
        ("kept", "", ""),
    ]


@pytest.mark.parametrize("method", ["phash", "dhash", "average_hash", "whash"])
def test_a_still_video_keeps_one_frame(run: Run, tmp_path: Path, method: str) -> None:
    path = clips.write_clip(tmp_path / "still.mp4", [clips.texture(5)] * 40)
    outcome = run(path, dedupe={"method": method})
    assert [row["status"] for row in frames(outcome)] == ["kept", *["dropped"] * 3]
    (image,) = coco_of(outcome).imgs.values()
    assert len(image[method]) == 16


def test_without_a_hash_all_frames_are_kept(run: Run) -> None:
    outcome = run(dedupe={"method": "none"}, sampling={"every_seconds": 10})
    assert [row["status"] for row in frames(outcome)] == ["kept"] * 3
    assert not {"phash", "none"} & set(coco_of(outcome).imgs[1])


def test_without_images_the_dataset_still_names_them(run: Run) -> None:
    outcome = run(output={"images": False}, sampling={"every_seconds": 10})
    assert not (result(outcome) / "images").exists()
    assert [image["file_name"] for image in coco_of(outcome).imgs.values()] == [
        "frame_000000.jpg",
        "frame_000100.jpg",
    ]


def test_jpeg_quality_is_applied(run: Run) -> None:
    sizes = [
        len(files(run(output={"jpeg_quality": quality}, sampling={"end_seconds": 1}))[
            "images/default/frame_000000.jpg"
        ])
        for quality in (30, 95)
    ]  # fmt: skip
    assert sizes[0] * 2 < sizes[1]


def test_only_listed_classes_above_the_threshold_are_detected(run: Run) -> None:
    outcome = run(
        detector={"classes": ["car"], "score_threshold": 0.8}, sampling={"every_seconds": 10}
    )
    truth = coco_of(outcome)
    assert truth.anns
    assert {truth.cats[each["category_id"]]["name"] for each in truth.anns.values()} == {"car"}
    assert min(each["score"] for each in truth.anns.values()) >= 0.8
    assert outcome.log.detections_by_class == {"car": len(truth.anns)}


def test_the_effective_config_is_stored(run: Run, model: Model) -> None:
    stored = json.loads((result(run(sampling={"every_seconds": 15})) / "config.json").read_text())
    assert stored["config"]["sampling"]["every_seconds"] == 15
    assert stored["config"]["dedupe"]["method"] == "phash"
    assert stored["model"] == {
        "name": model.name,
        "sha256": model.sha256,
        "family": "ultralytics",
        "score_threshold": 0.4,
        "iou_threshold": 0.5,
    }


def test_a_rejected_video_has_only_a_rejection(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("not a video at all")
    outcome = run(path)
    assert outcome.status == "rejected"
    tree = files(outcome)
    assert set(tree) == {"rejection.json"}
    rejection = json.loads(tree["rejection.json"])
    assert rejection["reason"] == outcome.reason == "not_a_video"
    assert rejection["message"] == outcome.message
    assert rejection["source"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not (result(outcome).parent / "latest.json").exists()


def test_progress_reaches_the_end_of_the_video(model: Model, tmp_path: Path) -> None:
    seen: list[tuple[float, float | None]] = []
    config = Config.model_validate({"sampling": {"every_seconds": 10}})
    source = LocalVideo.at(clips.SAMPLE)
    annotate(
        source,
        config,
        Detector(model, config.detector),
        lambda run_id: FolderSink(tmp_path, source.name, run_id),
        cpus=2,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(0, 30), (10, 30), (20, 30)]


def test_a_copy_of_a_video_has_the_same_run(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / clips.SAMPLE.name
    copy.parent.mkdir()
    shutil.copy(clips.SAMPLE, copy)
    section = {"every_seconds": 20}
    first, second = run(sampling=section), run(copy, out="copy", sampling=section)
    assert result(first).name == result(second).name
    same = {"annotations/instances_default.json", "frames.csv", "predictions.json"}
    assert {each: files(first)[each] for each in same} == {
        each: files(second)[each] for each in same
    }


class FullDisk(FolderSink):
    def put(self, path: str, data: bytes) -> None:
        if path.endswith("frame_000030.jpg"):
            raise BrokenError(f"{path} cannot be written: No space left on device.")
        super().put(path, data)


def test_a_failure_in_one_stage_ends_all_stages_and_leaves_no_file(
    model: Model, tmp_path: Path
) -> None:
    config, before = Config(), set(threading.enumerate())
    with pytest.raises(BrokenError, match="cannot be written: No space left"):
        annotate(
            LocalVideo.at(clips.SAMPLE),
            config,
            Detector(model, config.detector),
            lambda run_id: FullDisk(tmp_path, "clip", run_id),
            cpus=2,
        )
    assert set(threading.enumerate()) == before
    assert list(tmp_path.iterdir()) == []


def test_the_result_does_not_depend_on_the_number_of_cpus(model: Model, tmp_path: Path) -> None:
    config = Config.model_validate({"sampling": {"every_seconds": 2}})

    def tree(cpus: int) -> dict[str, bytes]:
        outcome = annotate(
            LocalVideo.at(clips.SAMPLE),
            config,
            Detector(model, config.detector),
            lambda run_id: FolderSink(tmp_path / str(cpus), "clip", run_id),
            cpus=cpus,
        )
        return {path: data for path, data in files(outcome).items() if path not in CLOCKED}

    assert tree(1) == tree(2) == tree(5)


def test_a_damaged_videos_report_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    images = [clips.texture(seed, 64, 48) for seed in range(400)]
    path = clips.write_clip(tmp_path / "clip.mov", images, codec="mjpeg", rate=25)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 60_000] = bytes(60_000)
    path.write_bytes(data)
    outcome = run(path)
    coverage = outcome.log.coverage
    assert coverage.lost > 0
    info = coco_of(outcome).dataset["info"]["coverage"]
    assert (info["frames_found"], info["frames_lost"]) == (coverage.decoded, coverage.lost)
    report = (result(outcome) / "report.md").read_text()
    assert f"{coverage.lost} are missing, {coverage.seconds_lost:.3f} s in all" in report
    assert f"| {coverage.missing_ranges[0].from_ms / 1000:.3f} |" in report
    row = (result(outcome) / "logs.csv").read_text().splitlines()[2]
    assert f",{coverage.seconds_lost:.3f},{coverage.missing_ranges[0]}" in row
