"""Small changes: what comes, goes or moves is one; light, noise and trembling are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.deduplication.small_changes import (
    PATCHES,
    detail_of,
    has_small_change,
    largest_changes,
)
from tests.support.scenes import texture

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW = settings(max_examples=30)
SEEDS = range(300)
WIDTH, HEIGHT = 320, 180
SCENE = 110 + 20 * texture(WIDTH, HEIGHT, np.random.default_rng(1))[:, :, 0]


def image(scene: NDArray[np.floating], noise: float = 0.0, seed: int = 0) -> NDArray[np.uint8]:
    grain = noise * np.random.default_rng(seed).standard_normal(scene.shape)
    return np.clip(np.rint(scene + grain), 0, 255).astype(np.uint8)


def with_person(share: float, left: int, top: int, levels: float = 60) -> NDArray[np.floating]:
    """Return the scene with a dark person, three times as tall as wide."""
    width = round((share * WIDTH * HEIGHT / 3) ** 0.5)
    changed = SCENE.copy()
    changed[top : top + 3 * width, left : left + width] -= levels
    return changed


def changes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    found = has_small_change(detail_of(before), detail_of(after))
    assert has_small_change(detail_of(after), detail_of(before)) == found
    return found


@pytest.mark.parametrize("share", [0.01, 0.003, 0.001, 0.0005])
@given(left=st.integers(0, WIDTH - 30), top=st.integers(0, HEIGHT - 60), seed=st.integers(0, 99))
@FEW
def test_a_person_who_comes_or_goes_is_a_change_wherever_it_is(
    share: float, left: int, top: int, seed: int
) -> None:
    assert changes(image(SCENE, 2, seed), image(with_person(share, left, top), 2, seed + 1))


@pytest.mark.parametrize("share", [0.01, 0.0005])
def test_a_person_who_moves_by_its_width_is_a_change(share: float) -> None:
    width = round((share * WIDTH * HEIGHT / 3) ** 0.5)
    first, second = with_person(share, 100, 60), with_person(share, 100 + width, 60)
    assert changes(image(first), image(second))


@given(seed=st.integers(0, 10**6))
@FEW
def test_a_crowd_that_moves_is_a_change(seed: int) -> None:
    places = np.random.default_rng(seed).integers((0, 0), (WIDTH - 20, HEIGHT - 50), (2, 20, 2))
    before, after = (
        SCENE + sum(with_person(0.005, left, top) - SCENE for left, top in crowd)
        for crowd in places
    )
    assert changes(image(before), image(after))


@pytest.mark.parametrize("noise", [2, 4, 8, 25])
def test_noise_alone_is_a_change_in_one_of_a_hundred_frames(noise: float) -> None:
    scene = 0.5 * SCENE
    found = [changes(image(scene, noise, seed), image(scene, noise, 1000 + seed)) for seed in SEEDS]
    # A rate of 0.01 gives more than 8 of 300 in one of 250 cases.
    assert sum(found) <= 8


def test_a_weak_person_in_strong_noise_is_a_change() -> None:
    """The change of a patch has noise of 2.8 levels: 8 in a pixel, of which a patch has 16, twice.

    The person differs by 18 levels, and covers two patches and parts of others.
    """
    person = with_person(0.001, 200, 90, levels=18)
    found = [changes(image(SCENE, 8, seed), image(person, 8, 1000 + seed)) for seed in SEEDS]
    assert np.mean(found) > 0.95


@pytest.mark.parametrize(("rows", "share"), [((20, 21), 0.9), ((20, 30), 0.0)])
def test_two_weak_changes_one_above_the_other_are_a_change(
    rows: tuple[int, int], share: float
) -> None:
    """One part of a person is brighter than the ground, and one is darker.

    The changes are of 4.3 standard deviations, and 4.6 are needed of one.
    """
    found = []
    for seed in range(50):
        before, after = 60 + 1.5 * np.random.default_rng(seed).standard_normal((2, 45, 80))
        after[rows, 40] = before[rows, 40] + (9, -9)
        found.append(has_small_change(image(before), image(after)))
    assert np.mean(found) == pytest.approx(share, abs=0.15)


@given(gain=st.floats(0.8, 1.25), offset=st.floats(-10, 10))
@FEW
def test_more_or_less_light_is_no_change(gain: float, offset: float) -> None:
    assert not changes(image(SCENE), image(gain * SCENE + offset))


def test_light_that_falls_on_one_side_is_no_change() -> None:
    light = np.linspace(0.8, 1.2, WIDTH)
    assert not changes(image(SCENE), image(light * SCENE))


def test_a_person_in_other_light_is_a_change() -> None:
    assert changes(image(SCENE), image(0.85 * with_person(0.001, 200, 90)))


@pytest.mark.parametrize("pixels", [0.25, 0.7])
def test_an_edge_that_trembles_is_no_change(pixels: float) -> None:
    wall = SCENE.astype(np.float32)
    wall[40:100, 90:170] = 20
    moved = cv2.warpAffine(wall, np.array([[1, 0, pixels], [0, 1, pixels]]), (WIDTH, HEIGHT))
    assert not changes(image(wall)[4:-4, 4:-4], image(np.asarray(moved))[4:-4, 4:-4])


def test_bands_of_light_at_the_border_are_no_change() -> None:
    rows = np.linspace(0, 2 * np.pi, HEIGHT)[:, np.newaxis]
    assert not changes(image(SCENE), image((1 + 0.08 * np.sin(rows)) * SCENE))


def test_detail_has_the_mean_of_each_patch() -> None:
    grey = np.kron(np.arange(PATCHES).reshape(45, 80) % 251, np.ones((4, 4))).astype(np.uint8)
    assert np.array_equal(detail_of(grey), np.arange(PATCHES).reshape(45, 80) % 251)
    assert np.array_equal(detail_of(grey.T), detail_of(grey).T)


def test_a_person_in_an_upright_image_is_a_change() -> None:
    assert changes(image(SCENE).T, image(with_person(0.001, 200, 90)).T)


def test_the_row_of_a_kept_frame_compares_like_its_detail() -> None:
    detail, changed = detail_of(image(SCENE)), detail_of(image(with_person(0.001, 200, 90)))
    assert has_small_change(detail.ravel(), changed)
    assert not has_small_change(detail.ravel(), detail)


def test_the_largest_change_tells_an_object_from_light() -> None:
    detail = detail_of(image(SCENE)).ravel()
    person, drift = detail.copy(), detail.copy()
    person[1000:1010] += 30
    drift[::2] += 2
    rows = np.stack([detail, detail + 9, detail - 9, person, drift])
    # The mean of the drift is 1. That of a person in 10 of 3,600 patches is less than a half.
    assert largest_changes(rows, detail).tolist() == [0, 0, 0, 30, 1]
