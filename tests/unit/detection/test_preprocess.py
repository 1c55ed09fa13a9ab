"""The input tensor that is made of an image."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.graph import ImageInput, Shape, TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

IMAGE = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
RGB = IMAGE[:, :, ::-1]


def image_input(shape: Shape, element_type: str = "float32") -> ImageInput:
    """Return the image input of a graph whose only input has this shape and type."""
    result = ImageInput.from_tensor(TensorInfo("images", element_type, shape))
    assert result is not None
    return result


def test_rgb_values_are_divided_by_255_to_the_last_bit() -> None:
    preprocess = Preprocess(resize="none")
    tensor = preprocess.make_tensor(IMAGE, preprocess.placement(8, 6), image_input((1, 3, 6, 8)))
    expected = RGB.transpose(2, 0, 1)[np.newaxis].astype(np.float32) / np.float32(255)
    assert tensor.dtype == np.float32
    assert np.array_equal(tensor, expected)


def test_each_channel_is_normalised_by_its_mean_and_std() -> None:
    preprocess = Preprocess(resize="none", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    tensor = preprocess.make_tensor(
        IMAGE, preprocess.placement(8, 6), image_input((None, 3, None, None))
    )
    expected = (RGB.astype(np.float64) / 255 - IMAGENET_MEAN) / IMAGENET_STD
    assert np.allclose(tensor, expected.transpose(2, 0, 1)[np.newaxis], atol=1e-6)


def test_bgr_values_are_unchanged_with_a_scale_of_1() -> None:
    preprocess = Preprocess(resize="none", colour="bgr", scale=1.0)
    tensor = preprocess.make_tensor(IMAGE, preprocess.placement(8, 6), image_input((1, 3, 6, 8)))
    assert np.array_equal(tensor[0], IMAGE.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("shape", "element_type", "tensor_shape"),
    [
        ((1, 6, 8, 3), "uint8", (1, 6, 8, 3)),
        ((4, 3, 6, 8), "float16", (4, 3, 6, 8)),
        ((3, None, None), "float32", (3, 6, 8)),
        ((6, 8, 3), "uint8", (6, 8, 3)),
    ],
)
def test_the_tensor_has_the_layout_type_and_batch_size_of_the_input(
    shape: Shape, element_type: str, tensor_shape: tuple[int, ...]
) -> None:
    preprocess = Preprocess(resize="none")
    tensor_input = image_input(shape, element_type)
    tensor = preprocess.make_tensor(IMAGE, preprocess.placement(8, 6), tensor_input)
    assert tensor.shape == tensor_shape == tensor_input.shape(8, 6)
    assert tensor.dtype == element_type


def test_an_input_of_uint8_gets_the_pixel_values_without_normalisation() -> None:
    preprocess = Preprocess(resize="none", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    tensor = preprocess.make_tensor(
        IMAGE, preprocess.placement(8, 6), image_input((1, 6, 8, 3), "uint8")
    )
    assert np.array_equal(tensor[0], RGB)


def test_each_element_of_a_fixed_batch_is_the_image() -> None:
    preprocess = Preprocess(resize="none")
    tensor = preprocess.make_tensor(IMAGE, preprocess.placement(8, 6), image_input((4, 3, 6, 8)))
    assert all(np.array_equal(tensor[0], element) for element in tensor)


def test_linear_float_does_not_round_interpolated_values_to_bytes() -> None:
    row = np.repeat(np.array([[[10], [13], [20], [40]]], np.uint8), 3, axis=2)
    unrounded = Preprocess(
        resize="stretch",
        width=3,
        height=1,
        filter="linear-float",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )
    rounded = replace(unrounded, filter="linear")
    red_of_unrounded, red_of_rounded = (
        preprocess.make_tensor(row, preprocess.placement(4, 1), image_input((1, 3, 1, 3)))[0, 0, 0]
        for preprocess in (unrounded, rounded)
    )
    # The centres of the 3 scaled pixels lie at 1/6, 1 1/2 and 2 5/6, counted between the centres
    # of the 4 image pixels.
    interpolated = np.array([10 + 3 / 6, 16.5, 20 + 20 * 5 / 6])
    expected = (interpolated / 255 - IMAGENET_MEAN[0]) / IMAGENET_STD[0]
    assert np.allclose(red_of_unrounded, expected, atol=1e-5)
    assert not np.allclose(red_of_rounded, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("padding", "value_in_tensor"), [(114, (114 - 50) / 2), (0, -50 / 2), (None, 0)]
)
def test_padding_is_normalised_unless_it_is_none(
    padding: int | None, value_in_tensor: float
) -> None:
    preprocess = Preprocess(
        width=8, height=10, padding=padding, scale=1.0, mean=(50.0,) * 3, std=(2.0,) * 3
    )
    tensor = preprocess.make_tensor(IMAGE, preprocess.placement(8, 6), image_input((1, 3, 10, 8)))
    assert (tensor[:, :, :2] == value_in_tensor).all()
    assert (tensor[:, :, 8:] == value_in_tensor).all()
    normalised = (RGB.astype(np.float32) - 50) / 2
    assert np.array_equal(tensor[0, :, 2:8], normalised.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("preprocess", "description"),
    [
        (Preprocess(), "letterbox to 640 x 640"),
        (Preprocess(resize="keep-ratio", width=1333, height=800), "keep-ratio within 1333 x 800"),
        (Preprocess(resize="none"), "unchanged size"),
    ],
)
def test_the_resize_is_described_in_words(preprocess: Preprocess, description: str) -> None:
    assert preprocess.resize_description == description
