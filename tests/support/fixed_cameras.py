"""What fixed cameras see: scenes without people, and people to put into them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tests.support import clips
from tests.support.decoding import decode_file
from tests.support.sample_truth import TRUTH
from tests.support.scenes import texture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.frame import Image
    from tests.support.scenes import Scene

# Rec. 601, of blue, green and red.
_LUMA = np.array([0.114, 0.587, 0.299], dtype=np.float32)
# A pixel that differs by more levels from the scene without people is a person's.
_OUTLINE_LEVELS = 25
_LEAST_OF_BOX = 0.4


@dataclass(frozen=True)
class CutOut:
    """An object without its background.

    Attributes:
        image: H x W x 3 float32, BGR.
        alpha: how much of each pixel is the object: H x W x 1 float32, 0 to 1.
    """

    image: Scene
    alpha: Scene

    def reduced_to(self, area: float) -> CutOut:
        """Return the object with this area, in pixels."""
        scale = float(np.sqrt(area / self.alpha.sum()))
        height, width = self.alpha.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(self.alpha, size, interpolation=cv2.INTER_AREA)
        return CutOut(
            np.asarray(image, dtype=np.float32),
            np.asarray(alpha, dtype=np.float32)[:, :, np.newaxis],
        )

    def onto(self, scene: Scene, place: tuple[int, int], light: float) -> Scene:
        """Return the scene with the object in this light, with its left top corner at a place."""
        changed = scene.copy()
        self._area(changed, place)[:] += self._difference(scene, place, light)
        return changed

    def contrast(self, scene: Scene, place: tuple[int, int], light: float) -> float:
        """Return by how much the object changes the luma: root of the mean square, in levels."""
        luma = self._difference(scene, place, light) @ _LUMA
        return float(np.sqrt(np.square(luma).sum() / self.alpha.sum()))

    def _difference(self, scene: Scene, place: tuple[int, int], light: float) -> Scene:
        return self.alpha * (np.float32(light) * self.image - self._area(scene, place))

    def _area(self, scene: Scene, place: tuple[int, int]) -> Scene:
        (left, top), (height, width) = place, self.alpha.shape[:2]
        return scene[top : top + height, left : left + width]


@cache
def backgrounds(width: int, height: int) -> dict[str, Scene]:
    """Return scenes without people, by name: the sample's street, a texture and a yard."""
    random = np.random.default_rng(7)
    plate = _plate()
    street = cv2.resize(plate[: plate.shape[1] * height // width], (width, height))
    return {
        "street": np.asarray(street, dtype=np.float32),
        "texture": 125 + 20 * texture(width, height, random),
        "yard": _yard(width, height, random),
    }


@cache
def people() -> list[CutOut]:
    """Return the people of the sample whose outline is clear."""
    cut_outs = []
    for frame_index, (x, y, width, height) in _person_boxes():
        area = np.s_[y : y + height, x : x + width]
        image = _street_frames()[frame_index][area].astype(np.float32)
        difference = np.abs(image - _plate()[area]).max(axis=2)
        outline = cv2.medianBlur((difference > _OUTLINE_LEVELS).astype(np.uint8) * 255, 5)
        if (outline > 0).mean() > _LEAST_OF_BOX:
            alpha = np.float32(1 / 255) * cv2.GaussianBlur(outline, (3, 3), 0)
            cut_outs.append(CutOut(image, alpha[:, :, np.newaxis].astype(np.float32)))
    return cut_outs


@cache
def _plate() -> Scene:
    """Return what is behind the people of the sample: the median over time."""
    frames = np.stack([*_street_frames().values()])
    return np.asarray(np.median(frames, axis=0), dtype=np.float32)


@cache
def _street_frames() -> dict[int, Image]:
    """Return a frame of each second of the sample, by frame index."""
    return {frame.index: frame.image for frame in decode_file(clips.SAMPLE).frames}


def _yard(width: int, height: int, random: np.random.Generator) -> Scene:
    """Return an empty yard: a wall with windows, and a ground with a fine grain."""
    yard = np.empty((height, width, 3), dtype=np.float32)
    yard[:] = np.linspace(150, 90, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    yard[: height // 3] = (120, 130, 140)
    for column in range(6):
        left = (2 * column + 1) * width // 13
        yard[height // 12 : height // 5, left : left + width // 13] = 60
    return yard + 5 * texture(width, height, random)


def _person_boxes() -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Yield frame index and box (left, top, width, height, in pixels) of each person."""
    truth = json.loads(TRUTH.read_text())
    person = next(each["id"] for each in truth["categories"] if each["name"] == "person")
    indexes = {each["id"]: int(each["file_name"][6:12]) for each in truth["images"]}
    for each in truth["annotations"]:
        if each["category_id"] == person:
            x, y, width, height = each["bbox"]
            yield indexes[each["image_id"]], (x, y, width, height)
