"""Labelled footage for the deduplication: what each sample shows is known."""

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

Light = NDArray[np.float32]
"""A picture before it meets a sensor: H x W x 3, BGR, may leave 0 to 255."""


@dataclass(frozen=True)
class Footage:
    """Samples of one take, and the number of what each shows: a number seen before is no news."""

    kind: str
    images: Sequence[Image]
    shows: Sequence[int]

    @property
    def duplicates(self) -> list[bool]:
        return [number in self.shows[:index] for index, number in enumerate(self.shows)]


@dataclass(frozen=True)
class Score:
    """How many frames were dropped, how many should have been, and how many were and should."""

    dropped: int = 0
    duplicates: int = 0
    both: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.dropped + other.dropped,
            self.duplicates + other.duplicates,
            self.both + other.both,
        )

    @property
    def precision(self) -> float:
        """Of the dropped frames, those that are duplicates."""
        return self.both / self.dropped if self.dropped else 1.0

    @property
    def recall(self) -> float:
        """Of the duplicates, those that were dropped."""
        return self.both / self.duplicates if self.duplicates else 1.0


def score(footage: Footage, dropped: Sequence[bool]) -> Score:
    pairs = list(zip(footage.duplicates, dropped, strict=True))
    both = sum(duplicate and drop for duplicate, drop in pairs)
    return Score(sum(dropped), sum(footage.duplicates), both)


def selected(images: Sequence[Image], config: DedupeConfig | None = None) -> list[FrameRecord]:
    """Select among frames that are sampled a second apart, all in one segment."""
    selector = FrameSelector(config or DedupeConfig())
    frames = [Frame(index, index * 1000.0, 0, image) for index, image in enumerate(images)]
    return [selector.select(frame) for frame in frames]


def dropped(images: Sequence[Image]) -> list[bool]:
    return [not record.is_kept for record in selected(images)]


def encoded(images: Sequence[Image], crf: int, path: Path) -> list[Image]:
    """Return the images as H.264 leaves them; a key frame every 7, so that their seams show."""
    options = {"crf": str(crf), "g": "7", "preset": "veryfast"}
    capture = cv2.VideoCapture(str(write_clip(path, images, options=options)))
    decoded = [np.asarray(capture.read()[1], dtype=np.uint8) for _ in images]
    capture.release()
    return decoded


def footage(width: int, height: int, noise: float, seed: int = 0) -> Iterator[Footage]:
    """Film all kinds of scenes with a sensor of this noise (standard deviation, in levels)."""
    random = np.random.default_rng(seed)

    def film(kind: str, takes: Sequence[tuple[int, Light]], noise: float = noise) -> Footage:
        images = [sensed(light, noise, random) for _, light in takes]
        return Footage(kind, images, [number for number, _ in takes])

    # By day a sensor needs little gain: a fifth of the noise that it has at night.
    faint = 125 + 15 * texture(width, height, random)
    day = 125 + 45 * texture(width, height, random)
    for still in (faint, day):
        yield film("day, static", [(0, still)] * 8, noise / 5)
    wide = 125 + 45 * texture(3 * width, height, random)
    yield film("day, panning", panned(wide, width), noise / 5)

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
    yield film("night, panning", panned(wide, width))

    tones = [
        (60, 60, 60),
        (180, 180, 180),
        (0, 0, 0),
        (255, 255, 255),
        (200, 30, 30),
        (30, 30, 200),
    ]
    flats = [
        (number, black + np.array(tone, dtype=np.float32)) for number, tone in enumerate(tones)
    ]
    yield film("flat", [flat for flat in [*flats, *flats] for _ in range(2)], noise / 5)

    for steps in (16, 30):
        down = np.linspace(1, 0, steps, dtype=np.float32)
        yield film("fade", [(0, day * share) for share in down] + [(0, black)] * 2, noise / 5)
        # Whether the very first glimmer is news is a matter of taste: it is left out.
        glimmers = [(1, day * share) for share in down[::-1] if share > 0.1]
        yield film("fade", [(0, black), *glimmers], noise / 5)
        yield film("fade", [(0, day * (0.4 + 0.6 * share)) for share in down], noise / 5)
        yield film("fade", [(0, black + 20 + 200 * share) for share in down], noise / 5)


def sensed(light: Light, noise: float, random: np.random.Generator) -> Image:
    """Return what a sensor makes of light."""
    grain = noise * random.standard_normal(light.shape, dtype=np.float32)
    return np.clip(np.rint(light + grain), 0, 255).astype(np.uint8)


def texture(width: int, height: int, random: np.random.Generator) -> Light:
    """Grow a texture with a natural picture's 1/f spectrum: mean 0, standard deviation 1."""
    rows, columns = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)[np.newaxis]
    frequency = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
    waves = random.standard_normal((3, *frequency.shape)) / frequency
    waves = waves * np.exp(2j * np.pi * random.random(waves.shape))
    waves[:, 0, 0] = 0
    waves[1:] += waves[0]  # mostly grey, as the world is
    planes = np.fft.irfft2(waves, s=(height, width))
    planes /= planes.std(axis=(1, 2), keepdims=True)
    return np.ascontiguousarray(planes.transpose(1, 2, 0), dtype=np.float32)


def panned(wide: Light, width: int) -> list[tuple[int, Light]]:
    """Pan over a wide picture in 9 views, each a quarter further, and stand still at last."""
    views = [(n, wide[:, n * width // 4 :][:, :width]) for n in range(9)]
    return [*views, *[views[-1]] * 3]


def person(light: Light) -> Light:
    """Let someone come into the light: a fifth of the height."""
    changed = light.copy()
    height, width = light.shape[:2]
    changed[height // 2 : height // 2 + height // 5, width // 3 : width // 3 + height // 15] += 70
    return changed


def headlights(light: Light) -> Light:
    """Let a car come: two small discs."""
    changed = light.copy()
    height, width = light.shape[:2]
    for x in (0.7, 0.8):
        centre = (int(width * x), int(height * 0.6))
        cv2.circle(changed, centre, height // 30, (200, 220, 220), -1)
    return changed


def lamps(light: Light) -> Light:
    """Switch the lights on: all of it is brighter, and has more contrast."""
    return light * 2.5 + 20


EVENTS: Sequence[Callable[[Light], Light]] = (person, headlights, lamps)
