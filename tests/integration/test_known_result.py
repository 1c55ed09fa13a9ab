"""The known result of the sample clip, with which the result of each deployment is compared."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.functions.check import comparison
from deploy.functions.check.comparison import differences
from tests.e2e.template import ROOT
from tests.support import clips
from tests.support.command import Pretag

KNOWN: dict[str, Any] = json.loads((ROOT / "samples" / "pedestrians.json").read_bytes())
THRESHOLD = 0.4


def coco_of_the_sample(pretag: Pretag, folder: Path, *options: str) -> dict[str, Any]:
    assert pretag("run", clips.SAMPLE, "--out", folder, *options).code == 0
    (file,) = folder.glob("pedestrians.mp4/*/annotations/instances_default.json")
    coco: dict[str, Any] = json.loads(file.read_bytes())
    return coco


def test_the_sample_clip_has_its_known_result(pretag: Pretag, tmp_path: Path) -> None:
    """If a change means to change it: `make known-result`, and look at what has changed."""
    assert differences(KNOWN, coco_of_the_sample(pretag, tmp_path)) == []


@pytest.mark.parametrize("sign", [-1, 1])
def test_no_object_is_so_near_the_threshold_that_another_cpu_could_lose_or_add_it(
    pretag: Pretag, tmp_path: Path, sign: int
) -> None:
    threshold = f"detector.score_threshold={THRESHOLD + sign * comparison.SCORE}"
    assert differences(KNOWN, coco_of_the_sample(pretag, tmp_path, "--set", threshold)) == []
