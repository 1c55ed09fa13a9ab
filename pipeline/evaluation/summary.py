"""An evaluation as JSON: figures rounded to 6 decimals, null where there is nothing to measure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.evaluation.matching import MINIMUM_IOU

if TYPE_CHECKING:
    from pipeline.evaluation.coco_figures import Figures
    from pipeline.evaluation.comparison import Comparison
    from pipeline.evaluation.corrections import CorrectionCounts, Corrections

Json = dict[str, Any]


def summary(
    compared: dict[str, str],
    comparison: Comparison,
    figures: Figures,
    corrections: Corrections | None,
) -> Json:
    """Return an evaluation as a JSON object, its keys always in the same order.

    Args:
        compared: the files, by the options that named them.
        comparison: what was compared.
        figures: pycocotools' figures.
        corrections: of a run; None for a list of predictions.
    """
    images: Json = {"compared": comparison.images}
    found: Json = {**compared, "images": images}
    if corrections is not None:
        images["untouched"] = corrections.images_untouched
        images["only_in_run"] = [asdict(image) for image in comparison.only_in_run]
        images["only_in_truth"] = [asdict(image) for image in comparison.only_in_truth]
        found["corrections"] = _corrections(corrections)
    found["figures"] = {
        "overall": figures.overall,
        "by_class": [asdict(row) for row in figures.by_class],
    }
    return found


def _corrections(corrections: Corrections) -> Json:
    return {
        "tolerance_pixels": corrections.tolerance,
        "minimum_iou": MINIMUM_IOU,
        "overall": _fates(corrections.overall),
        "by_class": [
            {"name": name, **_fates(fates), "relabelled_to": fates.relabelled_to}
            for name, fates in corrections.by_class.items()
        ],
        "relabelled": [
            {"from": before, "to": after, "objects": count}
            for (before, after), count in corrections.relabelled.items()
        ],
    }


def _fates(fates: CorrectionCounts) -> Json:
    return {
        "pre": fates.pre,
        "kept": fates.kept,
        "moved": fates.moved,
        "relabelled": fates.relabelled,
        "deleted": fates.deleted,
        "added": fates.added,
        "truth": fates.truth,
        "kept_share": fates.kept_share,
        "moved_mean_iou": fates.moved_mean_iou,
    }
