"""The content of evaluation.json. Shares are rounded to 6 decimals; null: nothing to measure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.evaluation.matching import MINIMUM_IOU

if TYPE_CHECKING:
    from pipeline.evaluation.coco_metrics import Metrics
    from pipeline.evaluation.comparison import Comparison
    from pipeline.evaluation.corrections import CorrectionCounts, Corrections

Json = dict[str, Any]


def evaluation_json(
    files: dict[str, str],
    comparison: Comparison,
    metrics: Metrics,
    corrections: Corrections | None,
) -> Json:
    """Return an evaluation as a JSON object. The order of the keys is always the same.

    Args:
        files: paths of the compared files, by command line option.
        comparison: the compared boxes.
        metrics: pycocotools' metrics.
        corrections: the corrections of a run; None for a list of predictions.
    """
    images: Json = {"compared": comparison.image_count}
    evaluation: Json = {**files, "images": images}
    if corrections is not None:
        images["untouched"] = corrections.untouched_images
        images["only_in_run"] = [asdict(image) for image in comparison.only_in_run]
        images["only_in_truth"] = [asdict(image) for image in comparison.only_in_truth]
        images["of_other_videos"] = [asdict(image) for image in comparison.of_other_videos]
        images["told_by"] = comparison.told_by
        evaluation["corrections"] = _corrections(corrections)
    evaluation["figures"] = {
        "overall": metrics.overall,
        "by_class": [asdict(row) for row in metrics.by_class],
    }
    return evaluation


def _corrections(corrections: Corrections) -> Json:
    return {
        "tolerance_pixels": corrections.tolerance_pixels,
        "minimum_iou": MINIMUM_IOU,
        "overall": _counts(corrections.overall),
        "by_class": [
            {"name": name, **_counts(counts), "relabelled_to": counts.relabelled_to}
            for name, counts in corrections.by_class.items()
        ],
        "relabelled": [
            {"from": before, "to": after, "objects": count}
            for (before, after), count in corrections.relabelled.items()
        ],
    }


def _counts(counts: CorrectionCounts) -> Json:
    return {
        "pre": counts.pre,
        "kept": counts.kept,
        "moved": counts.moved,
        "relabelled": counts.relabelled,
        "deleted": counts.deleted,
        "added": counts.added,
        "truth": counts.truth,
        "kept_share": counts.kept_share,
        "moved_mean_iou": counts.moved_mean_iou,
    }
