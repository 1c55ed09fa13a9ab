"""The plain script that pretag stands against: frames to disk, hash from disk, detect from disk.

Same model, same thresholds, same COCO files. OpenCV's threads are as they come. ONNX Runtime's are
both: as they come, all CPUs for one frame, spinning while they wait; and as pretag sets them, one.
"""  # noqa: INP001 - used by bench.pipeline

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

from bench.measuring import added, timed
from pipeline.config.schema import Config
from pipeline.dataset import coco
from pipeline.dataset.dataset import Dataset
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model, find_model_file
from pipeline.frame import FrameRecord

if TYPE_CHECKING:
    from imagehash import ImageHash

    from bench.measuring import Costs


SCRIPT = "three-phase script"
SCRIPT_WITH_OUR_SESSION = "three-phase script, pretag's session"
DETECTION_WITH_OUR_SESSION = "detect from disk, pretag's session"
PHASES = ("frames to disk", "hash from disk", "detect from disk", DETECTION_WITH_OUR_SESSION)


@dataclass(frozen=True)
class Saved:
    """A sampled frame on disk."""

    path: Path
    index: int
    pts_ms: float


def costs(clip: Path) -> Costs:
    """Run the script, phase by phase."""
    config = Config()
    theirs, ours = _detector(as_it_comes=True), _detector(as_it_comes=False)
    with TemporaryDirectory() as name:
        folder = Path(name)
        saved, to_disk = timed(lambda: frames_to_disk(clip, folder, config))
        kept, hashing = timed(lambda: duplicates_removed(saved, config))
        _, detecting = timed(lambda: detected(kept, folder, config, theirs))
        _, detecting_ours = timed(lambda: detected(kept, folder, config, ours))
    phases = (to_disk, hashing, detecting, detecting_ours)
    return {
        SCRIPT: added((to_disk, hashing, detecting)),
        SCRIPT_WITH_OUR_SESSION: added((to_disk, hashing, detecting_ours)),
        **dict(zip(PHASES, phases, strict=True)),
    }


def frames_to_disk(clip: Path, folder: Path, config: Config) -> list[Saved]:
    """Decode all frames; write the sampled ones as JPEG."""
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
            saved.append(Saved(path, index, pts_ms))
            next_ms = (pts_ms // every_ms + 1) * every_ms
        index += 1
    capture.release()
    return saved


def duplicates_removed(saved: list[Saved], config: Config) -> dict[ImageHash, Saved]:
    """Hash each frame, and delete those that are near one that was kept."""
    kept: dict[ImageHash, Saved] = {}
    for frame in saved:
        with PillowImage.open(frame.path) as picture:
            bits = imagehash.phash(picture)
        if any(bits - other <= config.dedupe.max_distance for other in kept):
            frame.path.unlink()
        else:
            kept[bits] = frame
    return kept


def detected(
    kept: dict[ImageHash, Saved], folder: Path, config: Config, detector: Detector
) -> None:
    """Detect in each kept frame, and write the COCO files."""
    dataset = Dataset(folder.name, None, detector.model.labels, config.dedupe.method)
    for bits, frame in kept.items():
        image = np.asarray(cv2.imread(str(frame.path)), dtype=np.uint8)
        height, width = image.shape[:2]
        record = FrameRecord(frame.index, frame.pts_ms, 0, width, height, str(bits))
        dataset.frames.append(replace(record, detections=detector.detect(image)))
    for name, content in (
        ("instances_default.json", coco.instances(dataset)),
        ("predictions.json", coco.predictions(dataset)),
    ):
        (folder / name).write_bytes(content)


@cache
def _detector(*, as_it_comes: bool) -> Detector:
    config = Config().detector
    model = Model.load(config.model)
    if as_it_comes:
        model = replace(model, session=onnxruntime.InferenceSession(find_model_file(config.model)))
    return Detector(model, config)
