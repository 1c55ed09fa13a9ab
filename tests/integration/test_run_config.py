"""The whole pipeline with other settings: duplicates, segments, classes and images."""

import json
from pathlib import Path

import pytest

from tests.support import clips
from tests.support.runs import (
    coco_of,
    default_model,
    files_of,
    frames_of,
    result_folder,
    run,
)

pytestmark = pytest.mark.usefixtures("forked_children")

SPARSE = {"every_seconds": 10}


def test_annotations_do_not_depend_on_segments(tmp_path: Path) -> None:
    one_segment = run(tmp_path / "one", dedupe={"max_distance": 0})
    several = run(tmp_path / "several", dedupe={"max_distance": 0}, segment={"seconds": 7})
    assert {row["segment"] for row in frames_of(several)} == {"0", "1", "2", "3", "4"}
    assert coco_of(several).anns == coco_of(one_segment).anns


def test_a_scene_of_an_earlier_segment_is_a_duplicate_across_segments(tmp_path: Path) -> None:
    images = [clips.texture(seed) for seed in (1, 2, 1, 3) for _ in range(10)]
    path = clips.write_clip(tmp_path / "clip.mp4", images)
    rows = frames_of(run(tmp_path / "out", path, segment={"seconds": 2}))
    assert [(row["status"], row["reason"], row["duplicate_of"]) for row in rows] == [
        ("kept", "", ""),
        ("kept", "", ""),
        ("dropped", "duplicate_across_segments", "0"),
        ("kept", "", ""),
    ]


def test_the_result_says_what_key_frames_did_to_the_samples(tmp_path: Path) -> None:
    options = {"g": "20", "sc_threshold": "0"}
    path = clips.write_clip(tmp_path / "clip.mp4", clips.textures(60), options=options)
    outcome = run(tmp_path / "out", path, sampling={"snap": "key"})
    assert [row["frame_index"] for row in frames_of(outcome)] == ["0", "20", "40"]
    (warning,) = [each for each in outcome.log.warnings if "Key frames" in each]
    assert "up to 2.0 s apart, so 6 grid points have 3 samples" in warning
    assert warning in (result_folder(outcome) / "report.md").read_text()


@pytest.mark.parametrize("method", ["phash", "dhash", "average_hash", "whash"])
def test_a_still_video_keeps_one_frame(tmp_path: Path, method: str) -> None:
    path = clips.write_clip(tmp_path / "still.mp4", [clips.texture(5)] * 40)
    outcome = run(tmp_path / "out", path, dedupe={"method": method})
    assert [row["status"] for row in frames_of(outcome)] == ["kept", *["dropped"] * 3]
    (image,) = coco_of(outcome).imgs.values()
    assert len(image[method]) == 16


def test_the_method_none_keeps_all_frames_without_hashes(tmp_path: Path) -> None:
    outcome = run(tmp_path, dedupe={"method": "none"}, sampling=SPARSE)
    assert [row["status"] for row in frames_of(outcome)] == ["kept"] * 3
    assert not {"phash", "none"} & set(coco_of(outcome).imgs[1])


def test_without_images_the_dataset_still_names_them(tmp_path: Path) -> None:
    outcome = run(tmp_path, output={"images": False}, sampling=SPARSE)
    assert not (result_folder(outcome) / "images").exists()
    assert [image["file_name"] for image in coco_of(outcome).imgs.values()] == [
        "frame_000000.jpg",
        "frame_000100.jpg",
        "frame_000200.jpg",
    ]


def test_a_higher_jpeg_quality_makes_larger_images(tmp_path: Path) -> None:
    low, high = (
        files_of(run(tmp_path, output={"jpeg_quality": quality}, sampling={"end_seconds": 1}))
        for quality in (30, 95)
    )
    name = "images/default/frame_000000.jpg"
    assert len(low[name]) * 2 < len(high[name])


def test_only_listed_classes_above_the_threshold_are_detected(tmp_path: Path) -> None:
    detector = {"classes": ["car"], "score_threshold": 0.8}
    outcome = run(tmp_path, detector=detector, sampling=SPARSE)
    coco = coco_of(outcome)
    assert coco.anns
    assert {coco.cats[entry["category_id"]]["name"] for entry in coco.anns.values()} == {"car"}
    assert min(entry["score"] for entry in coco.anns.values()) >= 0.8
    assert outcome.log.detections_by_class == {"car": len(coco.anns)}


def test_the_effective_configuration_is_stored(tmp_path: Path) -> None:
    outcome = run(tmp_path, sampling={"every_seconds": 15})
    stored = json.loads((result_folder(outcome) / "config.json").read_text())
    assert stored["config"]["sampling"]["every_seconds"] == 15
    assert stored["config"]["dedupe"]["method"] == "phash"
    model = default_model()
    assert stored["model"] == {
        "name": model.name,
        "sha256": model.sha256,
        "family": "ultralytics",
        "not_read": [],
        "score_threshold": 0.4,
        "iou_threshold": 0.5,
    }
