"""Precision and recall of the deduplication on labelled footage, raw and after H.264."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.support import scenes
from tests.support.scenes import Score


@pytest.mark.parametrize(
    ("width", "height", "noise", "crf"),
    [(320, 240, 2, None), (320, 240, 25, None), (320, 240, 10, 28), (640, 360, 15, 23)],
)
def test_precision_and_recall_are_high_for_each_kind_of_footage(
    width: int, height: int, noise: float, crf: int | None, tmp_path: Path
) -> None:
    scores: defaultdict[str, Score] = defaultdict(Score)
    for footage in scenes.make_footage(width, height, noise):
        images = footage.images
        if crf is not None:
            images = scenes.encode_and_decode(images, crf, tmp_path / "clip.mp4")
        scores[footage.kind] += scenes.score(footage, scenes.is_dropped(images))
    assert len(scores) == 7
    assert {kind: score for kind, score in scores.items() if score.precision < 0.99} == {}
    assert {kind: score for kind, score in scores.items() if score.recall < 0.95} == {}
