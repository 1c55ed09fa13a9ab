"""Labelled footage of fixed cameras in which a small object comes, moves, stops and leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.support.fixed_cameras import backgrounds, people
from tests.support.scenes import Footage, add_noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.scenes import Scene

NIGHT_LIGHT = np.float32(0.3)
"""Brightness at night, as a share of that by day."""

# At night a lamp lights the people better than the scene.
_NIGHT_LIGHT_OF_PEOPLE = 0.5
_PLACES = 7
# An object that differs by less from the background, or by less than the noise, is hard to see.
_LEAST_CONTRAST = 20.0
_TRIES = 1000


def small_events(  # noqa: PLR0913 - each argument is a property of the footage
    share: float, width: int, height: int, *, is_night: bool, noise: float, seed: int = 0
) -> Iterator[Footage]:
    """Yield footage of an object that comes, moves, stops and leaves, one for each background.

    Each frame in which the object is at a new place is a scene of its own.

    Args:
        share: share of the picture that the object covers.
        width, height: size of the images.
        is_night: whether the scene is dark.
        noise: of the sensor at night (sigma, in levels). By day it is a fifth.
        seed: for the places, the objects and the noise.
    """
    random = np.random.default_rng(seed)
    light = _NIGHT_LIGHT_OF_PEOPLE if is_night else 1.0
    grain = noise if is_night else noise / 5
    for name, background in backgrounds(width, height).items():
        scene = NIGHT_LIGHT * background if is_night else background
        walk = _visible_walk(scene, share, light, max(_LEAST_CONTRAST * light, grain), random)
        stop = len(walk)
        take = [(0, scene), (0, scene), *enumerate(walk, 1)]
        take += [(stop, walk[-1]), (stop, walk[-1]), (0, scene), (0, scene)]
        images = [add_noise(each, grain, random) for _, each in take]
        yield Footage(name, images, [scene_id for scene_id, _ in take])


def _visible_walk(
    scene: Scene, share: float, light: float, contrast: float, random: np.random.Generator
) -> list[Scene]:
    """Return the scene with an object at several places, at each of which it has a contrast."""
    height, width = scene.shape[:2]
    cut_outs = people()
    for _ in range(_TRIES):
        person = cut_outs[random.integers(len(cut_outs))].reduced_to(share * width * height)
        tall, wide = person.alpha.shape[:2]
        step = max(2, round(1.5 * wide))
        left = int(random.integers(width - wide - step * (_PLACES - 1)))
        top = int(random.integers(height - tall))
        places = [(left + step * number, top) for number in range(_PLACES)]
        if all(person.contrast(scene, place, light) >= contrast for place in places):
            return [person.onto(scene, place, light) for place in places]
    raise AssertionError("No person can be seen on this background.")
