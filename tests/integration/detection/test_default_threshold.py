"""The default model's score threshold is the best one on the sample clip."""

import pytest

from bench.threshold import THRESHOLDS
from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from tests.support.sample_truth import find_in_sample


def test_no_other_threshold_needs_fewer_corrections() -> None:
    model = Model.load(DetectorConfig().model)
    found = find_in_sample(model, THRESHOLDS)
    threshold = Detector(model, DetectorConfig()).score_threshold
    assert threshold == model.score_threshold
    best = found[threshold]
    assert best.corrections == min(each.corrections for each in found.values())
    assert best.f1 == max(each.f1 for each in found.values())
    assert best.objects == 69
    assert best.right == pytest.approx(52, abs=2)
    assert best.boxes == pytest.approx(75, abs=3)
