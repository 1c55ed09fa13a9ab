"""Measure the default model on the sample clip, for score thresholds from 0.2 to 0.7."""

from __future__ import annotations

from bench import results
from pipeline.config.schema import DetectorConfig
from pipeline.detection.model import Model
from tests.support.sample_truth import find_in_sample

THRESHOLDS = tuple(percent / 100 for percent in range(20, 75, 5))


def measure() -> str:
    """Measure, and return the section."""
    model = Model.load(DetectorConfig().model)
    rows = [
        (
            f"{threshold:.2f}",
            str(found.right),
            str(found.boxes - found.right),
            str(found.objects - found.right),
            f"{found.precision:.2f}",
            f"{found.recall:.2f}",
            f"{found.f1:.2f}",
            str(found.corrections),
        )
        for threshold, found in find_in_sample(model, THRESHOLDS).items()
    ]
    titles = ("threshold", "right", "false", "missed", "precision", "recall", "F1", "corrections")
    return (
        f"## Score threshold\n\n{results.date_and_processor()}; {model.name}, 8 frames of the "
        "sample clip; a box is right at an IoU of 0.5.\n\n" + results.table(titles, rows)
    )


if __name__ == "__main__":
    results.run(measure, __doc__ or "")
