"""From pixels to what a model takes."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.graph import ImageInput, TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

IMAGE = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def wanted(shape: tuple[int | None, ...], kind: str = "float32") -> ImageInput:
    image = ImageInput.from_tensor(TensorInfo("images", kind, shape))
    assert image is not None
    return image


def test_rgb_from_0_to_1_as_reference_codes_compute_it() -> None:
    pre = Preprocess(resize="none")
    tensor = pre.make_tensor(IMAGE, pre.placement(8, 6), wanted((1, 3, 6, 8)))
    rgb = IMAGE[:, :, ::-1].transpose(2, 0, 1)[np.newaxis]
    assert tensor.dtype == np.float32
    assert np.array_equal(tensor, rgb.astype(np.float32) / np.float32(255))


def test_mean_and_std_of_each_channel() -> None:
    pre = Preprocess(resize="none", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    tensor = pre.make_tensor(IMAGE, pre.placement(8, 6), wanted((None, 3, None, None)))
    rgb = IMAGE[:, :, ::-1].astype(np.float64) / 255
    expected = ((rgb - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1)[np.newaxis]
    assert np.allclose(tensor, expected, atol=1e-6)


def test_bgr_pixels_as_they_are() -> None:
    pre = Preprocess(resize="none", colour="bgr", scale=1.0)
    tensor = pre.make_tensor(IMAGE, pre.placement(8, 6), wanted((1, 3, 6, 8)))
    assert np.array_equal(tensor[0], IMAGE.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("shape", "kind", "expected"),
    [
        ((1, 6, 8, 3), "uint8", (1, 6, 8, 3)),
        ((4, 3, 6, 8), "float16", (4, 3, 6, 8)),
        ((3, None, None), "float32", (3, 6, 8)),
        ((6, 8, 3), "uint8", (6, 8, 3)),
    ],
)
def test_layout_type_and_batch_are_the_inputs(
    shape: tuple[int | None, ...], kind: str, expected: tuple[int, ...]
) -> None:
    pre = Preprocess(resize="none")
    port = wanted(shape, kind)
    tensor = pre.make_tensor(IMAGE, pre.placement(8, 6), port)
    assert tensor.shape == expected == port.shape(8, 6)
    assert tensor.dtype == kind
    if kind == "uint8":
        assert np.array_equal(tensor.reshape(6, 8, 3), IMAGE[:, :, ::-1])
    if port.batch > 1:
        assert np.array_equal(tensor[0], tensor[-1])


def test_floats_are_not_rounded_to_bytes() -> None:
    """As PyTorch scales a tensor: values between two pixels, then mean and std."""
    ramp = np.repeat(np.array([[[10], [13], [20], [40]]], np.uint8), 3, axis=2)
    exactly = Preprocess(
        resize="stretch",
        width=3,
        height=1,
        filter="linear-float",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )
    values = (exactly, replace(exactly, filter="linear"))
    port = wanted((1, 3, 1, 3))
    exact, rounded = (pre.make_tensor(ramp, pre.placement(4, 1), port)[0, 0, 0] for pre in values)
    # The centres of thirds lie at 1/6, 1 1/2 and 2 5/6 of four pixels.
    between = np.array([10 + 3 / 6, 16.5, 20 + 20 * 5 / 6])
    expected = (between / 255 - IMAGENET_MEAN[0]) / IMAGENET_STD[0]
    assert np.allclose(exact, expected, atol=1e-5)
    assert not np.allclose(rounded, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("padding", "around"), [(114, (114 - 50) / 2), (0, -50 / 2), (None, 0)]
)  # fmt: skip
def test_around_the_picture(padding: int | None, around: float) -> None:
    pre = Preprocess(
        width=8, height=10, padding=padding, scale=1.0, mean=(50.0,) * 3, std=(2.0,) * 3
    )
    tensor = pre.make_tensor(IMAGE, pre.placement(8, 6), wanted((1, 3, 10, 8)))
    assert (tensor[:, :, :2] == around).all()
    assert (tensor[:, :, 8:] == around).all()
    picture = (IMAGE[:, :, ::-1].astype(np.float32) - 50) / 2
    assert np.array_equal(tensor[0, :, 2:8], picture.transpose(2, 0, 1))
