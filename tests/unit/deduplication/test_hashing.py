"""Perceptual hashes, compared with those of imagehash."""

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from pipeline.config.schema import HashMethodName
from pipeline.deduplication.hashing import perceptual_hash, shrink_to_grey
from tests.support import scenes
from tests.support.clips import texture

METHODS: list[HashMethodName] = ["phash", "dhash", "average_hash", "whash"]


@pytest.mark.parametrize("method", METHODS)
@given(
    seed=st.integers(0, 1000),
    height=st.integers(16, 300),
    width=st.integers(16, 300),
    hash_size=st.sampled_from([4, 8, 16]),
)
def test_the_hash_equals_that_of_imagehash_on_the_reduced_image(
    method: HashMethodName, seed: int, height: int, width: int, hash_size: int
) -> None:
    image = texture(seed, width, height)
    grey = PillowImage.fromarray(shrink_to_grey(image, hash_size))
    expected = getattr(imagehash, method)(grey, hash_size)
    assert perceptual_hash(image, method, hash_size) - expected == 0


@pytest.mark.parametrize("method", METHODS)
def test_reducing_a_full_hd_image_changes_at_most_two_bits(method: HashMethodName) -> None:
    image = texture(7, 1920, 1080)
    full = PillowImage.fromarray(image[:, :, ::-1])
    assert perceptual_hash(image, method, 8) - getattr(imagehash, method)(full) <= 2


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (1366, 767), (641, 361)])
def test_reducing_a_textured_image_changes_at_most_two_bits(width: int, height: int) -> None:
    scene = 125 + 45 * scenes.texture(width, height, np.random.default_rng(3))
    image = np.clip(scene, 0, 255).astype(np.uint8)
    full = PillowImage.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
    assert perceptual_hash(image, "phash", 8) - imagehash.phash(full) <= 2


def test_an_image_is_halved_by_averaging_its_pixels() -> None:
    image = np.zeros((1080, 1920, 3), dtype=np.uint8)
    image[:, ::2] = 200
    grey = shrink_to_grey(image, 8)
    assert grey.shape == (135, 240)
    assert np.abs(grey.astype(int) - 100).max() <= 1


def test_an_odd_last_row_or_column_is_left_out() -> None:
    image = np.zeros((515, 517, 3), dtype=np.uint8)
    image[512:], image[:, 516:] = 255, 255
    assert shrink_to_grey(image, 8).shape == (128, 129)
    assert not shrink_to_grey(image, 8).any()


def test_a_small_image_is_not_reduced() -> None:
    assert shrink_to_grey(np.zeros((50, 64, 3), dtype=np.uint8), 8).shape == (50, 64)
