"""Boxes and captions that are drawn on an image."""

import numpy as np

from pipeline.dataset.drawing import CaptionedBox, draw_boxes


def test_only_the_outline_is_drawn_and_the_original_stays_unchanged() -> None:
    image = np.zeros((100, 200, 3), dtype=np.uint8)
    drawn = draw_boxes(image, [CaptionedBox(50, 40, 150, 80, 0, "person 0.9")])
    assert not image.any()
    assert drawn[40, 100].any()
    assert drawn[60, 50].any()
    assert not drawn[60, 100].any()


def test_a_caption_at_the_upper_edge_is_moved_inside_the_image() -> None:
    image = np.zeros((100, 200, 3), dtype=np.uint8)
    drawn = draw_boxes(image, [CaptionedBox(5, 0, 20, 20, 1, "car")])
    assert drawn[3, 8].any()


def test_a_caption_at_the_right_edge_is_moved_inside_the_image() -> None:
    image = np.zeros((200, 300, 3), dtype=np.uint8)
    caption_pixels = []
    for left in (100, 290):
        drawn = draw_boxes(image, [CaptionedBox(left, 100, left + 9, 150, 0, "person")])
        caption_pixels.append(int(drawn[:95].any(axis=2).sum()))
    assert caption_pixels[0] == caption_pixels[1] > 0
