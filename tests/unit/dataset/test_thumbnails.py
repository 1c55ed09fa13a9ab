"""Which frames have thumbnails, and what these are."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dataset.thumbnails import (
    MOST_CANDIDATES,
    Candidates,
    ContactSheet,
    Thumbnail,
    make_thumbnail,
    spread,
)


def sheet_of(times_ms: list[float], candidates: Candidates | None = None) -> ContactSheet:
    candidates = candidates or Candidates()
    sheet = ContactSheet()
    for index, pts_ms in enumerate(times_ms):
        if candidates.takes(pts_ms):
            sheet.add(Thumbnail(index, pts_ms, b"jpeg"))
    return sheet


def test_all_frames_of_a_short_video_are_on_the_sheet() -> None:
    times = [1000.0 * each for each in range(200)]
    assert [each.pts_ms for each in sheet_of(times).chosen(200)] == times


def test_of_a_long_video_few_thumbnails_are_made_and_they_are_spread_evenly() -> None:
    times = [1000.0 * each for each in range(36_000)]
    candidates = Candidates()
    assert sum(map(candidates.takes, times)) < 2000
    sheet = sheet_of(times)
    assert len(sheet.chosen(10**9)) <= MOST_CANDIDATES
    chosen = sheet.chosen(200)
    gaps = [later.pts_ms - earlier.pts_ms for earlier, later in pairwise(chosen)]
    assert 100 < len(chosen) <= 200
    assert max(gaps) < 1.1 * min(gaps)


def test_shards_of_a_video_have_the_thumbnails_of_one_process() -> None:
    times = [1000.0 * each for each in range(7200) if each % 7 or each > 4000]
    whole = [each.pts_ms for each in sheet_of(times).chosen(200)]
    parts = [
        sheet_of([time for time in times if start <= time < start + 1.8e6]).chosen(10**9)
        for start in (0, 1.8e6, 3.6e6, 5.4e6)
    ]
    merged = ContactSheet()
    for each in (thumbnail for part in parts for thumbnail in part):
        merged.add(each)
    assert [each.pts_ms for each in merged.chosen(200)] == whole


ascending = st.lists(st.floats(0, 1e9), max_size=300).map(sorted)


@given(ascending, st.integers(1, 50))
def test_no_two_chosen_times_are_in_one_cell_and_no_cell_is_left_out(
    times: list[float], most: int
) -> None:
    cell_ms, positions = spread(times, most)
    cells = [times[position] // cell_ms for position in positions]
    assert len(cells) <= most
    assert cells == sorted({time // cell_ms for time in times})


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (320, 180)),
        ((100, 50), (100, 50)),
        ((600, 400), (320, 213)),
        ((8, 4000), (1, 320)),
    ],
)
def test_a_thumbnail_shows_the_whole_image_at_320_pixels(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[:, size[0] // 2 :] = (200, 100, 50)
    thumbnail = make_thumbnail(7, 280.0, image)
    decoded = cv2.imdecode(np.frombuffer(thumbnail.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[1::-1] == expected
    assert (thumbnail.index, thumbnail.pts_ms) == (7, 280.0)
    if expected[0] > 10:
        assert decoded[:, : expected[0] // 2 - 8].max() < 30
        assert abs(int(decoded[-1, -1, 0]) - 200) < 15
