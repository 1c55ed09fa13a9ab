"""Where an image lies in a model's input, and how boxes are mapped back to the image."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.placement import (
    BoxRescale,
    keep_ratio,
    letterbox,
    patches,
    stretch,
    top_left,
    warped_letterbox,
)
from pipeline.detection.preprocess import Preprocess, Resize
from pipeline.detection.scaling import place_image

sides = st.integers(1, 4000)
resizes = st.sampled_from(get_args(Resize))


def test_a_letterbox_centres_the_image_between_padding() -> None:
    placement = letterbox(768, 576, (300, 300))
    assert placement.scaled_size == (300, 225)
    assert (placement.left, placement.top) == (0, 37)
    pixels = place_image(np.full((576, 768, 3), 9, dtype=np.uint8), placement, "linear", 114)
    assert pixels.shape == (300, 300, 3)
    assert (pixels[:37] == 114).all()
    assert (pixels[37:262] == 9).all()
    assert (pixels[262:] == 114).all()


@pytest.mark.parametrize(
    ("image_size", "input_size"),
    # The sizes that Ultralytics' LetterBox(640, auto=True, stride=32) gives.
    [((1920, 1080), (640, 384)), ((768, 576), (640, 480)), ((405, 720), (384, 640))],
)
def test_a_letterbox_with_a_step_has_the_least_input_size(
    image_size: tuple[int, int], input_size: tuple[int, int]
) -> None:
    assert letterbox(*image_size, (640, 640), step=32).input_size == input_size


def test_a_letterbox_maps_boxes_back_by_the_scale_of_each_axis_or_by_the_ratio() -> None:
    axes = letterbox(4096, 2160, (640, 640), box_rescale="axes")
    ratio = letterbox(4096, 2160, (640, 640), box_rescale="ratio")
    assert axes.scaled_size == ratio.scaled_size == (640, 338)  # 337.5, rounded
    assert axes.scale == (0.15625, 338 / 2160)
    assert ratio.scale == (0.15625, 0.15625)
    whole = np.array([[0, axes.top, 640, axes.top + 338]], dtype=np.float32)
    assert axes.boxes_to_image(whole)[0].tolist() == [0, 0, 4096, 2160]
    low = np.array([[0, axes.top + 300, 640, axes.top + 330]], dtype=np.float32)
    assert 2 < ratio.boxes_to_image(low)[0, 3] - axes.boxes_to_image(low)[0, 3] < 4


def test_top_left_rounds_the_scaled_size_down() -> None:
    placement = top_left(1366, 768, (640, 640))
    assert (placement.left, placement.top) == (0, 0)
    assert placement.scaled_size == (640, 359)  # 359.8, rounded down
    assert placement.scale == (640 / 1366, 640 / 1366)


@pytest.mark.parametrize(
    ("image_size", "scaled_size"),
    [((768, 576), (1066, 800)), ((576, 768), (800, 1066)), ((1920, 1080), (1333, 750))],
)
def test_keep_ratio_rounds_the_scaled_size_as_detr_does(
    image_size: tuple[int, int], scaled_size: tuple[int, int]
) -> None:
    placement = keep_ratio(*image_size, 800, 1333, None)
    assert placement.scaled_size == placement.input_size == scaled_size


@pytest.mark.parametrize(
    ("image_size", "input_size"),
    [((768, 576), (1088, 800)), ((576, 768), (800, 1088)), ((1920, 1080), (1344, 768))],
)
def test_keep_ratio_with_a_step_rounds_the_input_size_up(
    image_size: tuple[int, int], input_size: tuple[int, int]
) -> None:
    assert keep_ratio(*image_size, 800, 1333, 32).input_size == input_size


def test_keep_ratio_with_a_step_maps_boxes_back_by_the_ratio() -> None:
    without_step = keep_ratio(1919, 1079, 800, 3200, None)
    with_step = keep_ratio(1919, 1079, 800, 3200, 32)
    assert without_step.scale == (1422 / 1919, 800 / 1079)
    assert with_step.scale == (800 / 1079, 800 / 1079)


@pytest.mark.parametrize(
    ("image_size", "scaled_size"),
    # The sizes that the image processor of YOLOS in transformers gives.
    [((768, 576), (1056, 800)), ((97, 61), (1264, 800))],
)
def test_patches_stretches_the_image_to_multiples_of_the_step(
    image_size: tuple[int, int], scaled_size: tuple[int, int]
) -> None:
    placement = patches(*image_size, 800, 1333, 16)
    assert placement.scaled_size == placement.input_size == scaled_size
    assert placement.scale == (scaled_size[0] / image_size[0], scaled_size[1] / image_size[1])


@pytest.mark.parametrize("resize", get_args(Resize))
def test_the_box_of_a_white_area_in_the_input_is_mapped_to_that_area(resize: Resize) -> None:
    image = np.zeros((576, 768, 3), dtype=np.uint8)
    image[200:260, 400:480] = 255
    placement = Preprocess(resize=resize, width=300, height=300).placement(768, 576)
    rows, columns = np.nonzero(place_image(image, placement, "linear", 0)[:, :, 0] > 127)
    box = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
    mapped = placement.boxes_to_image(np.array(box, dtype=np.float32))[0]
    # An input pixel is 2.56 image pixels wide.
    assert np.abs(mapped - (400, 200, 480, 260)).max() <= 2.56


@given(width=sides, height=sides, resize=resizes, data=st.data())
def test_a_point_is_mapped_to_the_input_and_back(
    width: int, height: int, resize: Resize, data: st.DataObject
) -> None:
    placement = Preprocess(resize=resize, width=640, height=320).placement(width, height)
    x, y = data.draw(st.floats(0, 1)) * width, data.draw(st.floats(0, 1)) * height
    in_input = [x * placement.scale[0] + placement.left, y * placement.scale[1] + placement.top]
    mapped = placement.boxes_to_image(np.array([in_input * 2], dtype=np.float32))[0]
    # float32 holds 7 digits of a position in input pixels. The error grows with 1 / scale.
    assert np.allclose(mapped, [x, y, x, y], atol=1e-3 / min(placement.scale))


@given(
    width=sides,
    height=sides,
    resize=resizes,
    box_rescale=st.sampled_from(get_args(BoxRescale)),
)
def test_the_scaled_image_lies_in_the_input_and_has_the_scale_to_within_a_pixel(
    width: int, height: int, resize: Resize, box_rescale: BoxRescale
) -> None:
    preprocess = Preprocess(resize=resize, width=640, height=320, step=32, box_rescale=box_rescale)
    placement = preprocess.placement(width, height)
    assert placement.image_size == (width, height)
    for axis, start in enumerate((placement.left, placement.top)):
        scaled_side = placement.scaled_size[axis]
        assert abs(placement.image_size[axis] * placement.scale[axis] - scaled_side) <= 1
        assert 0 <= start <= start + scaled_side <= placement.input_size[axis]


@given(width=sides, height=sides, resize=resizes)
def test_a_box_outside_the_image_is_clipped(width: int, height: int, resize: Resize) -> None:
    placement = Preprocess(resize=resize, width=300, height=300).placement(width, height)
    box = np.array([[-1e4, -1e4, 1e4, 1e4]], dtype=np.float32) * max(1, *placement.scale) * 2
    assert placement.boxes_to_image(box)[0].tolist() == [0, 0, width, height]


def test_a_warped_letterbox_keeps_the_ratio_and_centres_between_pixels() -> None:
    placement = warped_letterbox(300, 200, (416, 416))
    ratio = 416 / 300
    assert placement.scale == (ratio, ratio)
    assert placement.left == 0
    assert placement.top == pytest.approx((416 - 200 * ratio) / 2)
    pixels = place_image(np.full((200, 300, 3), 200, dtype=np.uint8), placement, "warp", 9)
    assert pixels.shape == (416, 416, 3)
    assert (pixels[:67] == 9).all()
    # Row 69 lies 0.33 pixels above the first row of the image: a mean of image and padding.
    assert 9 < pixels[69, 200, 0] < 200
    assert (pixels[70:345, :414] == 200).all()
    assert (pixels[348:] == 9).all()
    whole = np.array([[0, placement.top, 416, 416 - placement.top]], dtype=np.float32)
    assert placement.boxes_to_image(whole)[0].tolist() == pytest.approx([0, 0, 300, 200])
    assert Preprocess(filter="warp", width=416, height=416).placement(300, 200) == placement


def test_warp_aligns_the_centres_of_the_first_pixels() -> None:
    ramp = np.arange(0, 240, 2, dtype=np.uint8)
    image = np.repeat(np.tile(ramp, (60, 1))[:, :, np.newaxis], 3, axis=2)
    placement = stretch(120, 60, (60, 30))
    # The warp takes every other pixel. The linear filter takes the mean of two pixels.
    assert (place_image(image, placement, "warp", 0) == ramp[::2, np.newaxis]).all()
    assert (place_image(image, placement, "linear", 0) == ramp[::2, np.newaxis] + 1).all()


def test_antialias_uses_every_pixel_when_it_scales_down() -> None:
    # One column in 8 is white. The linear filter takes two pixels in 8, and misses the white ones.
    image = np.zeros((8, 800, 3), dtype=np.uint8)
    image[:, ::8] = 255
    placement = stretch(800, 8, (100, 8))
    smooth = place_image(image, placement, "antialias", 0)
    assert abs(float(smooth.mean()) - 255 / 8) < 1
    assert smooth[:, 10:90].std() < 1
    assert place_image(image, placement, "linear", 0).mean() == 0
