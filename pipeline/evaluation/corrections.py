"""Count how labellers corrected pre-annotations.

- kept: same class, and no side of the box moved further than the tolerance.
- moved: same class, and an IoU of at least MINIMUM_IOU with the old box.
- relabelled: another class; the box is in place or moved.
- deleted: a pre-annotation without a corrected object.
- added: a corrected object without a pre-annotation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.evaluation.matching import match_boxes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.evaluation.comparison import Box, Comparison

# A tool that rounds x, y, w and h to whole pixels moves a side by up to one pixel.
DEFAULT_TOLERANCE_PIXELS = 1.0
_DECIMALS = 6


@dataclass
class CorrectionCounts:
    """Numbers of objects, by how they were corrected.

    Attributes:
        pre: pre-annotations: kept + moved + relabelled + deleted.
        truth: objects in the truth: kept + moved + relabelled_to + added.
        kept: objects that were not changed.
        relabelled: objects with another class than before, counted for the old class.
        relabelled_to: the same objects, counted for the new class.
        moved_ious: IoU of each moved box with the old box, 0 to 1.
    """

    pre: int = 0
    truth: int = 0
    kept: int = 0
    relabelled: int = 0
    relabelled_to: int = 0
    moved_ious: list[float] = field(default_factory=list)

    @property
    def moved(self) -> int:
        """Number of boxes that were moved, and kept their class."""
        return len(self.moved_ious)

    @property
    def deleted(self) -> int:
        """Number of pre-annotations that were deleted."""
        return self.pre - self.kept - self.moved - self.relabelled

    @property
    def added(self) -> int:
        """Number of objects that labellers added."""
        return self.truth - self.kept - self.moved - self.relabelled_to

    @property
    def corrected(self) -> int:
        """Number of corrections of all kinds."""
        return self.moved + self.relabelled + self.deleted + self.added

    @property
    def kept_share(self) -> float | None:
        """Share of the pre-annotations that were kept, 0 to 1; None without pre-annotations."""
        return round(self.kept / self.pre, _DECIMALS) if self.pre else None

    @property
    def moved_mean_iou(self) -> float | None:
        """Mean IoU of the moved boxes with the old boxes, 0 to 1; None without moved boxes."""
        # Sorted, so that the last digits do not depend on the order of the images.
        return round(sum(sorted(self.moved_ious)) / self.moved, _DECIMALS) if self.moved else None


@dataclass(frozen=True)
class Corrections:
    """The corrections of all images that both sides have.

    Attributes:
        overall: counts over all classes.
        by_class: counts by class name, for each class that either side has.
        relabelled: number of objects by old and new class name, the most frequent first.
        untouched_images: number of images without a correction.
        tolerance_pixels: how far a side may move in a kept box.
    """

    overall: CorrectionCounts
    by_class: dict[str, CorrectionCounts]
    relabelled: dict[tuple[str, str], int]
    untouched_images: int
    tolerance_pixels: float


def count_corrections(
    comparison: Comparison, tolerance_pixels: float = DEFAULT_TOLERANCE_PIXELS
) -> Corrections:
    """Count the corrections of a run's pre-annotations, in the images that both sides have.

    Args:
        comparison: the run and its corrected export.
        tolerance_pixels: how far a side may move in a kept box.
    """
    names = comparison.class_names
    by_class: defaultdict[str, CorrectionCounts] = defaultdict(CorrectionCounts)
    relabelled: Counter[tuple[str, str]] = Counter()
    untouched_images = 0
    for box in comparison.predicted:
        by_class[names[box.class_index]].pre += 1
    for box in comparison.truth:
        by_class[names[box.class_index]].truth += 1
    predicted, truth = _group_by_image(comparison.predicted), _group_by_image(comparison.truth)
    for image in range(comparison.image_count):
        kept = 0
        for match in match_boxes(predicted[image], truth[image], tolerance_pixels):
            before, after = names[match.predicted.class_index], names[match.truth.class_index]
            if match.is_kept:
                kept += 1
                by_class[before].kept += 1
            elif match.has_same_class:
                by_class[before].moved_ious.append(match.iou)
            else:
                relabelled[before, after] += 1
                by_class[before].relabelled += 1
                by_class[after].relabelled_to += 1
        untouched_images += kept == len(predicted[image]) == len(truth[image])
    return Corrections(
        overall=_sum(by_class.values()),
        by_class=dict(sorted(by_class.items())),
        relabelled=dict(sorted(relabelled.items(), key=lambda each: (-each[1], each[0]))),
        untouched_images=untouched_images,
        tolerance_pixels=tolerance_pixels,
    )


def _group_by_image(boxes: Iterable[Box]) -> defaultdict[int, list[Box]]:
    images: defaultdict[int, list[Box]] = defaultdict(list)
    for box in boxes:
        images[box.image_index].append(box)
    return images


def _sum(parts: Iterable[CorrectionCounts]) -> CorrectionCounts:
    total = CorrectionCounts()
    for part in parts:
        total.pre += part.pre
        total.truth += part.truth
        total.kept += part.kept
        total.relabelled += part.relabelled
        total.relabelled_to += part.relabelled_to
        total.moved_ious += part.moved_ious
    return total
