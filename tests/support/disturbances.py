"""Footage of fixed cameras in which nothing happens, and the pictures differ all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from tests.support.fixed_cameras import backgrounds
from tests.support.scenes import Footage, add_noise, texture
from tests.support.small_events import NIGHT_LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.scenes import Scene

_FRAMES = 12


def disturbances(
    kind: str, width: int, height: int, noise: float, seed: int = 0
) -> Iterator[Footage]:
    """Yield footage of which all frames but the first are duplicates, by day and by night.

    Args:
        kind: what disturbs, of `DISTURBANCES`.
        width, height: size of the images.
        noise: of the sensor at night (sigma, in levels). By day it is a fifth.
        seed: for what disturbs.
    """
    random = np.random.default_rng(seed)
    for background in backgrounds(width, height).values():
        for scene, grain in ((background, noise / 5), (NIGHT_LIGHT * background, noise)):
            takes = DISTURBANCES[kind](scene, random)
            images = [add_noise(each, grain, random) for each in takes]
            yield Footage(kind, images, [0] * len(images))


def _noise_only(scene: Scene, _random: np.random.Generator) -> list[Scene]:
    return [scene] * _FRAMES


def _slow_light(scene: Scene, _random: np.random.Generator) -> list[Scene]:
    """The sun goes behind a cloud."""
    return [
        np.asarray(scene * gain, dtype=np.float32)
        for gain in np.linspace(1, 0.85, _FRAMES, dtype=np.float32)
    ]


def _flicker(scene: Scene, random: np.random.Generator) -> list[Scene]:
    """A lamp on mains power: all rows flicker, and bands move over the picture."""
    rows = np.linspace(0, 2 * np.pi, scene.shape[0], dtype=np.float32)[:, np.newaxis, np.newaxis]
    gains = [
        1 + 0.04 * random.standard_normal() + 0.04 * np.sin(rows + 6.28 * random.random())
        for _ in range(_FRAMES)
    ]
    return [np.asarray(scene * gain, dtype=np.float32) for gain in gains]


def _exposure(scene: Scene, _random: np.random.Generator) -> list[Scene]:
    """Auto-exposure in small steps; bright parts are clipped."""
    gains = [1, 1, 1.03, 1.06, 1.1, 1.1, 1.06, 1.0, 0.96, 0.92, 0.92, 1.0]
    return [np.minimum(scene, 240) * np.float32(gain) for gain in gains]


def _foliage(scene: Scene, random: np.random.Generator) -> list[Scene]:
    """A tree in the wind covers a third of the picture, and each branch moves differently."""
    light = float(scene.mean()) / 120
    leaves = np.array([40, 80, 60], dtype=np.float32) + 25 * texture(*_size(scene), random)
    tree = scene + _right_third(scene) * (light * leaves - scene)
    return [_shaken(tree, scene.shape[0] / 360, random) for _ in range(_FRAMES)]


def _water(scene: Scene, random: np.random.Generator) -> list[Scene]:
    """A lake covers a third of the picture, and its waves are others in each frame."""
    light, (width, height) = float(scene.mean()) / 120, _size(scene)
    lake = np.array([110, 100, 90], dtype=np.float32)
    takes = []
    for _ in range(_FRAMES):
        waves = texture(width // 4, height, random)[:, :, :1]
        lit = lake + 8 * cv2.resize(waves, (width, height))[:, :, np.newaxis]
        takes.append(scene + _right_third(scene) * (light * lit - scene))
    return takes


def _unsteady(scene: Scene, random: np.random.Generator) -> list[Scene]:
    """A mast in the wind: the whole picture moves by up to a pixel."""
    takes = []
    for x, y in random.uniform(-0.7, 0.7, (_FRAMES, 2)):
        moves = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
        moved = cv2.warpAffine(scene, moves, _size(scene), borderMode=cv2.BORDER_REPLICATE)
        takes.append(np.asarray(moved, dtype=np.float32))
    return takes


def _shaken(scene: Scene, pixels: float, random: np.random.Generator) -> Scene:
    """Return the scene with its parts moved in the right third; `pixels` is the sigma."""
    width, height = _size(scene)
    size = height // 30
    coarse = random.standard_normal((height // size + 2, width // size + 2, 2), dtype=np.float32)
    moves = pixels * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    moves *= _right_third(scene)
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    places = np.stack([columns, rows], axis=2).astype(np.float32) + moves
    moved = cv2.remap(
        scene, places[:, :, 0], places[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.float32)


def _size(scene: Scene) -> tuple[int, int]:
    height, width = scene.shape[:2]
    return width, height


def _right_third(scene: Scene) -> Scene:
    ramp = np.linspace(0, 3, scene.shape[1], dtype=np.float32) - 2
    return np.clip(5 * ramp, 0, 1)[np.newaxis, :, np.newaxis]


DISTURBANCES: dict[str, Callable[[Scene, np.random.Generator], list[Scene]]] = {
    "noise": _noise_only,
    "slow light": _slow_light,
    "flicker": _flicker,
    "exposure steps": _exposure,
    "unsteady camera": _unsteady,
    "foliage": _foliage,
    "water": _water,
}
