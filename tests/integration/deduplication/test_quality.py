"""What is dropped of labelled footage, raw and through H.264."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.scenes import Score, dropped, encoded, footage, score


@pytest.mark.parametrize(
    ("width", "height", "noise", "crf"),
    [(320, 240, 2, None), (320, 240, 25, None), (320, 240, 10, 28), (640, 360, 15, 23)],
)
def test_precision_and_recall_of_each_kind(
    width: int, height: int, noise: float, crf: int | None, tmp_path: Path
) -> None:
    scores: defaultdict[str, Score] = defaultdict(Score)
    for each in footage(width, height, noise):
        images = each.images
        if crf is not None:
            images = encoded(images, crf, tmp_path / "clip.mp4")
        scores[each.kind] += score(each, dropped(images))
    assert len(scores) == 7
    assert {kind: each for kind, each in scores.items() if each.precision < 0.99} == {}
    assert {kind: each for kind, each in scores.items() if each.recall < 0.95} == {}
