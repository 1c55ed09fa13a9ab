"""Hashes against imagehash's own."""

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from pipeline.config import HashMethodName
from pipeline.hashing import perceptual_hash, reduce
from tests.clips import texture

METHODS: list[HashMethodName] = ["phash", "dhash", "average_hash", "whash"]


@pytest.mark.parametrize("method", METHODS)
@given(
    seed=st.integers(0, 1000),
    height=st.integers(16, 300),
    width=st.integers(16, 300),
    hash_size=st.sampled_from([4, 8, 16]),
)
def test_bits_equal_imagehash_on_the_reduced_frame(
    method: HashMethodName, seed: int, height: int, width: int, hash_size: int
) -> None:
    image = texture(seed, width, height)
    grey = PillowImage.fromarray(reduce(image, hash_size))
    expected = getattr(imagehash, method)(grey, hash_size)
    assert perceptual_hash(image, method, hash_size) - expected == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_full_hd_frame_keeps_its_hash_within_two_bits(method: HashMethodName) -> None:
    image = texture(7, 1920, 1080)
    whole = PillowImage.fromarray(image[:, :, ::-1])
    assert perceptual_hash(image, method, 8) - getattr(imagehash, method)(whole) <= 2


def test_reduction_is_by_a_whole_factor_and_averages() -> None:
    image = np.zeros((1080, 1920, 3), dtype=np.uint8)
    image[:, ::2] = 200
    small = reduce(image, 8)
    assert small.shape == (135, 240)
    assert np.abs(small.astype(int) - 100).max() <= 1


def test_small_frames_are_not_reduced() -> None:
    assert reduce(np.zeros((50, 64, 3), dtype=np.uint8), 8).shape == (50, 64)
