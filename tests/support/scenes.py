"""Labelled footage for the deduplication: synthetic scenes, and which frames are duplicates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.config.schema import DedupeConfig
from pipeline.deduplication.selection import FrameSelector
from pipeline.frame import Frame, FrameRecord, Image
from tests.support.clips import write_clip

Scene = NDArray[np.float32]
"""The light of a scene before the sensor: H x W x 3, BGR. Values may be below 0 or above 255."""


@dataclass(frozen=True)
class Footage:
    """Sampled images of one take.

    Attributes:
        kind: kind of footage, such as `night, static`.
        images: the images, in order.
        scene_ids: the scene that each image shows. An image of an earlier scene is a duplicate.
    """

    kind: str
    images: Sequence[Image]
    scene_ids: Sequence[int]

    @property
    def is_duplicate(self) -> list[bool]:
        """Whether each image is a duplicate."""
        ids = self.scene_ids
        return [scene_id in ids[:index] for index, scene_id in enumerate(ids)]


@dataclass(frozen=True)
class Score:
    """Counts from which precision and recall follow.

    Attributes:
        dropped: number of dropped frames.
        duplicates: number of duplicates.
        dropped_duplicates: number of dropped frames that are duplicates.
    """

    dropped: int = 0
    duplicates: int = 0
    dropped_duplicates: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.dropped + other.dropped,
            self.duplicates + other.duplicates,
            self.dropped_duplicates + other.dropped_duplicates,
        )

    @property
    def precision(self) -> float:
        """Share of the dropped frames that are duplicates."""
        return self.dropped_duplicates / self.dropped if self.dropped else 1.0

    @property
    def recall(self) -> float:
        """Share of the duplicates that were dropped."""
        return self.dropped_duplicates / self.duplicates if self.duplicates else 1.0


def score(footage: Footage, is_dropped: Sequence[bool]) -> Score:
    """Return the score of a decision for each image."""
    pairs = zip(footage.is_duplicate, is_dropped, strict=True)
    dropped_duplicates = sum(duplicate and dropped for duplicate, dropped in pairs)
    return Score(sum(is_dropped), sum(footage.is_duplicate), dropped_duplicates)


def select(images: Sequence[Image], config: DedupeConfig | None = None) -> list[FrameRecord]:
    """Return the records of images that are sampled once a second, in one segment."""
    selector = FrameSelector(config or DedupeConfig())
    frames = [Frame(index, index * 1000.0, 0, image) for index, image in enumerate(images)]
    return [selector.select(frame) for frame in frames]


def is_dropped(images: Sequence[Image]) -> list[bool]:
    """Return for each image whether the default configuration drops it."""
    return [not record.is_kept for record in select(images)]


def encode_and_decode(images: Sequence[Image], crf: int, path: Path) -> list[Image]:
    """Return the images after H.264, with a key frame every 7 images.

    With key frames that often, the samples include frames just before and after one.
    """
    options = {"crf": str(crf), "g": "7", "preset": "veryfast"}
    capture = cv2.VideoCapture(str(write_clip(path, images, options=options)))
    decoded = [np.asarray(capture.read()[1], dtype=np.uint8) for _ in images]
    capture.release()
    return decoded


def make_footage(width: int, height: int, noise: float, seed: int = 0) -> Iterator[Footage]:
    """Yield footage of all kinds. The noise is that of the sensor at night (sigma, in levels)."""
    random = np.random.default_rng(seed)

    def film(kind: str, take: Sequence[tuple[int, Scene]], noise: float = noise) -> Footage:
        images = [add_noise(scene, noise, random) for _, scene in take]
        return Footage(kind, images, [scene_id for scene_id, _ in take])

    # By day a sensor needs little gain, so it has a fifth of the noise.
    low_contrast = 125 + 15 * texture(width, height, random)
    day = 125 + 45 * texture(width, height, random)
    for scene in (low_contrast, day):
        yield film("day, static", [(0, scene)] * 8, noise / 5)
    wide = 125 + 45 * texture(3 * width, height, random)
    yield film("day, panning", pan(wide, width), noise / 5)

    black = np.zeros((height, width, 3), dtype=np.float32)
    dark = 18 + 5 * texture(width, height, random)
    ramp = black + np.linspace(5, 25, width, dtype=np.float32).reshape(1, width, 1)
    dim = 40 + 12 * texture(width, height, random)
    for night in (dark, ramp, dim, black + 12):
        yield film("night, static", [(0, night)] * 8)
        for event in EVENTS:
            changed = event(night)
            yield film("night, event", [(0, night)] * 2 + [(1, changed)] * 2 + [(0, night)] * 2)
    wide = 40 + 12 * texture(3 * width, height, random)
    yield film("night, panning", pan(wide, width))

    colours = [
        (60, 60, 60),
        (180, 180, 180),
        (0, 0, 0),
        (255, 255, 255),
        (200, 30, 30),
        (30, 30, 200),
    ]
    flats = [
        (scene_id, black + np.array(colour, dtype=np.float32))
        for scene_id, colour in enumerate(colours)
    ]
    yield film("flat", [flat for flat in [*flats, *flats] for _ in range(2)], noise / 5)

    for steps in (16, 30):
        down = np.linspace(1, 0, steps, dtype=np.float32)
        yield film("fade", [(0, day * share) for share in down] + [(0, black)] * 2, noise / 5)
        # A scene at a tenth of its brightness is neither clearly new nor clearly black. It is left
        # out.
        fade_in = [(1, day * share) for share in down[::-1] if share > 0.1]
        yield film("fade", [(0, black), *fade_in], noise / 5)
        yield film("fade", [(0, day * (0.4 + 0.6 * share)) for share in down], noise / 5)
        yield film("fade", [(0, black + 20 + 200 * share) for share in down], noise / 5)


def add_noise(scene: Scene, noise: float, random: np.random.Generator) -> Image:
    """Return the image that a sensor with this noise makes of a scene."""
    grain = noise * random.standard_normal(scene.shape, dtype=np.float32)
    return np.clip(np.rint(scene + grain), 0, 255).astype(np.uint8)


def texture(width: int, height: int, random: np.random.Generator) -> Scene:
    """Return a texture with the 1/f spectrum of natural images: mean 0, standard deviation 1."""
    rows, columns = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)[np.newaxis]
    frequency = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
    waves = random.standard_normal((3, *frequency.shape)) / frequency
    waves = waves * np.exp(2j * np.pi * random.random(waves.shape))
    waves[:, 0, 0] = 0
    waves[1:] += waves[0]  # mostly grey, like natural scenes
    planes = np.fft.irfft2(waves, s=(height, width))
    planes /= planes.std(axis=(1, 2), keepdims=True)
    return np.ascontiguousarray(planes.transpose(1, 2, 0), dtype=np.float32)


def pan(wide: Scene, width: int) -> list[tuple[int, Scene]]:
    """Return a pan over a wide scene in 9 views, each a quarter further, and a still end."""
    views = [(n, wide[:, n * width // 4 :][:, :width]) for n in range(9)]
    return [*views, *[views[-1]] * 3]


def add_person(scene: Scene) -> Scene:
    """Return the scene with a person, a fifth of the height tall."""
    changed = scene.copy()
    height, width = scene.shape[:2]
    changed[height // 2 : height // 2 + height // 5, width // 3 : width // 3 + height // 15] += 70
    return changed


def add_headlights(scene: Scene) -> Scene:
    """Return the scene with the headlights of a car: two small discs."""
    changed = scene.copy()
    height, width = scene.shape[:2]
    for x in (0.7, 0.8):
        centre = (int(width * x), int(height * 0.6))
        cv2.circle(changed, centre, height // 30, (200, 220, 220), -1)
    return changed


def switch_lights_on(scene: Scene) -> Scene:
    """Return the scene with the lights on: brighter, and with more contrast."""
    return scene * 2.5 + 20


EVENTS: Sequence[Callable[[Scene], Scene]] = (add_person, add_headlights, switch_lights_on)
