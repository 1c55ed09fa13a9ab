"""Where a picture lies in a model's input, and the way back."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection import placement
from pipeline.detection.placement import Placement
from pipeline.detection.preprocess import Preprocess, Resize

sizes = st.integers(1, 4000)
resizes = st.sampled_from(get_args(Resize))


def test_letterbox_of_a_wide_picture() -> None:
    placed = placement.letterbox(768, 576, (300, 300))
    assert (placed.left, placed.top) == (0, 37)
    fitted = placed.apply(np.full((576, 768, 3), 9, dtype=np.uint8), "linear", 114)
    assert fitted.shape == (300, 300, 3)
    rows = fitted[:, 150, 0]
    assert (rows[:37] == 114).all()
    assert (rows[37:262] == 9).all()
    assert (rows[262:] == 114).all()


@pytest.mark.parametrize(
    ("size", "canvas"),
    # What Ultralytics' LetterBox(640, auto=True, stride=32) makes of them.
    [((1920, 1080), (640, 384)), ((768, 576), (640, 480)), ((405, 720), (384, 640))],
)
def test_a_letterbox_of_a_free_size_is_no_larger_than_it_must_be(
    size: tuple[int, int], canvas: tuple[int, int]
) -> None:
    assert placement.letterbox(*size, (640, 640), step=32).input_size == canvas


def test_top_left_cuts_off_fractions() -> None:
    placed = placement.top_left(1366, 768, (640, 640))
    assert (placed.left, placed.top) == (0, 0)
    assert placed.scaled_size == (640, 359)  # 359.8
    assert placed.scale == (640 / 1366, 640 / 1366)


@pytest.mark.parametrize(
    ("size", "scaled"),
    [((768, 576), (1066, 800)), ((576, 768), (800, 1066)), ((1920, 1080), (1333, 750))],
)
def test_keep_ratio_rounds_as_detr_does(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    assert placement.keep_ratio(*size, 800, 1333, None).scaled_size == scaled
    canvas = placement.keep_ratio(*size, 800, 1333, 32).input_size
    assert all(side % 32 == 0 for side in canvas)
    assert all(0 <= free - taken < 32 for free, taken in zip(canvas, scaled, strict=True))


def test_keep_ratio_with_a_step_goes_back_by_the_ratio() -> None:
    without, padded = (placement.keep_ratio(1919, 1079, 800, 3200, step) for step in (None, 32))
    assert without.scale == (1422 / 1919, 800 / 1079)
    assert padded.scale == (800 / 1079, 800 / 1079)


# As transformers' YOLOS makes them.
@pytest.mark.parametrize(("size", "scaled"), [((768, 576), (1056, 800)), ((97, 61), (1264, 800))])
def test_patches_are_whole(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    placed = placement.patches(*size, 800, 1333, 16)
    assert placed.scaled_size == placed.input_size == scaled
    assert placed.scale == (scaled[0] / size[0], scaled[1] / size[1])


def test_a_letterbox_goes_back_by_axes_or_by_the_ratio() -> None:
    axes = placement.letterbox(4096, 2160, (640, 640))
    ratio = placement.letterbox(4096, 2160, (640, 640), box_rescale="ratio")
    assert axes.scaled_size == ratio.scaled_size == (640, 338)  # 337.5
    assert (axes.scale, ratio.scale) == ((0.15625, 338 / 2160), (0.15625, 0.15625))
    bottom = np.array([[0, 0, 640, axes.top + 338]], dtype=np.float32)
    assert axes.boxes_to_image(bottom)[0].tolist() == [0, 0, 4096, 2160]
    far = np.array([[0, axes.top + 300, 640, axes.top + 330]], dtype=np.float32)
    assert 2 < ratio.boxes_to_image(far)[0, 3] - axes.boxes_to_image(far)[0, 3] < 4


@pytest.mark.parametrize("resize", get_args(Resize))
def test_a_mark_lands_where_the_box_says(resize: Resize) -> None:
    image = np.zeros((576, 768, 3), dtype=np.uint8)
    image[200:260, 400:480] = 255
    placed = Preprocess(resize=resize, width=300, height=300).placement(768, 576)
    ys, xs = np.nonzero(placed.apply(image, "linear", 0)[:, :, 0] > 127)
    found = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], dtype=np.float32)
    # An input pixel covers 2.56 picture pixels.
    assert np.abs(placed.boxes_to_image(found)[0] - (400, 200, 480, 260)).max() <= 2.56


@given(width=sizes, height=sizes, resize=resizes, data=st.data())
def test_undo_is_the_inverse_of_the_placement(
    width: int, height: int, resize: Resize, data: st.DataObject
) -> None:
    placed = Preprocess(resize=resize, width=640, height=320).placement(width, height)
    x, y = data.draw(st.floats(0, 1)) * width, data.draw(st.floats(0, 1)) * height
    there = [x * placed.scale[0] + placed.left, y * placed.scale[1] + placed.top]
    back = placed.boxes_to_image(np.array([there + there], dtype=np.float32))[0]
    # float32 holds 7 digits of input pixels, magnified on the way back.
    assert np.allclose(back, [x, y, x, y], atol=1e-3 / min(placed.scale))


@given(
    width=sizes,
    height=sizes,
    resize=resizes,
    box_rescale=st.sampled_from(get_args(placement.BoxRescale)),
)
def test_the_scale_is_that_of_the_pixels(
    width: int, height: int, resize: Resize, box_rescale: placement.BoxRescale
) -> None:
    plan = Preprocess(resize=resize, width=640, height=320, step=32, box_rescale=box_rescale)
    placed = plan.placement(width, height)
    for picture, scaled, scale in zip(
        placed.image_size, placed.scaled_size, placed.scale, strict=True
    ):
        assert abs(picture * scale - scaled) <= 1
    for scaled, start, canvas in zip(
        placed.scaled_size, (placed.left, placed.top), placed.input_size, strict=True
    ):
        assert 0 <= start <= start + scaled <= canvas


@given(width=sizes, height=sizes, resize=resizes)
def test_undo_clips_to_the_picture(width: int, height: int, resize: Resize) -> None:
    placed = Preprocess(resize=resize, width=300, height=300).placement(width, height)
    everywhere = np.array([[-1e4, -1e4, 1e4, 1e4]], dtype=np.float32)
    everywhere *= max(1, *placed.scale) * 2
    assert placed.boxes_to_image(everywhere)[0].tolist() == [0, 0, width, height]


def test_a_warp_lays_first_pixels_over_one_another() -> None:
    ramp = np.arange(0, 240, 2, dtype=np.uint8)
    picture = np.repeat(np.tile(ramp, (60, 1))[:, :, np.newaxis], 3, axis=2)
    placed = placement.stretch(120, 60, (60, 30))
    # Every other pixel, where a picture that is laid corner to corner has the means of two.
    assert (placed.apply(picture, "warp", 0) == ramp[::2, np.newaxis]).all()
    assert (placed.apply(picture, "linear", 0) == ramp[::2, np.newaxis] + 1).all()


def test_antialias_looks_at_every_pixel() -> None:
    # One white column in 8: bilinear sampling at every 8th pixel sees all of it, or none.
    image = np.zeros((8, 800, 3), dtype=np.uint8)
    image[:, ::8] = 255
    placed = Placement(
        image_size=(800, 8), scaled_size=(100, 8), input_size=(100, 8), scale=(0.125, 1)
    )
    smooth = placed.apply(image, "antialias", 0)
    assert abs(float(smooth.mean()) - 255 / 8) < 1
    assert smooth[:, 10:90].std() < 1
    assert placed.apply(image, "linear", 0).mean() == 0
