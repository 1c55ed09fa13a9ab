"""Measure a plain script in three phases: frames to disk, hash from disk, detect from disk.

It has the same model, thresholds and COCO files as pretag. OpenCV has its default threads. ONNX
Runtime is measured both with its defaults (all CPUs for one frame, busy while they wait) and with
pretag's options (one thread for each frame).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import cv2
import imagehash
import numpy as np
import onnxruntime
from PIL import Image as PillowImage

from bench import whole_job
from bench.measuring import timed, total
from pipeline.config.schema import Config
from pipeline.dataset import coco
from pipeline.dataset.dataset import Dataset
from pipeline.detection.detector import Detector
from pipeline.detection.model_folder import find_model_file
from pipeline.frame import FrameRecord

if TYPE_CHECKING:
    from imagehash import ImageHash

    from bench.measuring import Costs


SCRIPT = "three-phase script"
SCRIPT_WITH_OUR_SESSION = "three-phase script, pretag's session"
DETECTION_WITH_OUR_SESSION = "detect from disk, pretag's session"
PHASES = ("frames to disk", "hash from disk", "detect from disk", DETECTION_WITH_OUR_SESSION)


@dataclass(frozen=True)
class SavedFrame:
    """A sampled frame on disk."""

    path: Path
    index: int
    pts_ms: float


def measure(clip: Path) -> Costs:
    """Run the script, phase by phase."""
    config = Config()
    default, ours = _default_detector(), whole_job.detector()
    with TemporaryDirectory() as name:
        folder = Path(name)
        saved, saving = timed(lambda: save_frames(clip, folder, config))
        kept, hashing = timed(lambda: remove_duplicates(saved, config))
        _, detecting = timed(lambda: detect(kept, folder, config, default))
        _, detecting_with_ours = timed(lambda: detect(kept, folder, config, ours))
    phases = (saving, hashing, detecting, detecting_with_ours)
    return {
        SCRIPT: total((saving, hashing, detecting)),
        SCRIPT_WITH_OUR_SESSION: total((saving, hashing, detecting_with_ours)),
        **dict(zip(PHASES, phases, strict=True)),
    }


def save_frames(clip: Path, folder: Path, config: Config) -> list[SavedFrame]:
    """Decode all frames, and write the sampled ones as JPEG."""
    every_ms = config.sampling.every_seconds * 1000
    quality = [cv2.IMWRITE_JPEG_QUALITY, config.output.jpeg_quality]
    saved = []
    capture = cv2.VideoCapture(str(clip))
    index, next_ms = 0, 0.0
    while capture.grab():
        pts_ms = capture.get(cv2.CAP_PROP_POS_MSEC)
        if pts_ms >= next_ms:
            _, image = capture.retrieve()
            path = folder / f"frame_{index:06d}.jpg"
            cv2.imwrite(str(path), image, quality)
            saved.append(SavedFrame(path, index, pts_ms))
            next_ms = (pts_ms // every_ms + 1) * every_ms
        index += 1
    capture.release()
    return saved


def remove_duplicates(saved: list[SavedFrame], config: Config) -> dict[ImageHash, SavedFrame]:
    """Hash each frame, and delete those that are similar to one that was kept."""
    kept: dict[ImageHash, SavedFrame] = {}
    for frame in saved:
        with PillowImage.open(frame.path) as image:
            frame_hash = imagehash.phash(image)
        if any(frame_hash - other <= config.dedupe.max_distance for other in kept):
            frame.path.unlink()
        else:
            kept[frame_hash] = frame
    return kept


def detect(
    kept: dict[ImageHash, SavedFrame], folder: Path, config: Config, detector: Detector
) -> None:
    """Detect the objects in each kept frame, and write the COCO files."""
    dataset = Dataset(folder.name, None, detector.model.labels, config.dedupe.method)
    for frame_hash, frame in kept.items():
        image = np.asarray(cv2.imread(str(frame.path)), dtype=np.uint8)
        height, width = image.shape[:2]
        record = FrameRecord(frame.index, frame.pts_ms, 0, width, height, str(frame_hash))
        dataset.frames.append(replace(record, detections=detector.detect(image)))
    (folder / "instances_default.json").write_bytes(coco.instances(dataset))
    (folder / "predictions.json").write_bytes(coco.predictions(dataset))


@cache
def _default_detector() -> Detector:
    """Return a detector with the default options of ONNX Runtime."""
    config = Config().detector
    session = onnxruntime.InferenceSession(find_model_file(config.model))
    return Detector(replace(whole_job.detector().model, session=session), config)
