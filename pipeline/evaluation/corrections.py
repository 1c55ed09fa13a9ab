"""How much correction the pre-annotations needed, by what became of each.

kept: the same class, no side moved further than the tolerance; moved: the same class, overlapping
by MINIMUM_IOU at least; relabelled: another class, in place or moved; deleted: no object became of
it; added: an object that was no pre-annotation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.evaluation.matching import pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.evaluation.comparison import Box, Comparison

# A tool that rounds x, y, w and h to whole pixels moves a side by as much.
TOLERANCE_PIXELS = 1.0
_DECIMALS = 6


@dataclass
class CorrectionCounts:
    """What became of some pre-annotations, in objects.

    Attributes:
        pre: pre-annotations: kept + moved + relabelled + deleted.
        truth: objects in the truth: kept + moved + relabelled_to + added.
        kept: nothing was corrected.
        moved: the box was.
        relabelled: the class was, and maybe the box; counted for the class that it had.
        relabelled_to: counted for the class that it has now; over all classes, as relabelled.
        ious: of each moved box with what became of it, 0 to 1.
    """

    pre: int = 0
    truth: int = 0
    kept: int = 0
    relabelled: int = 0
    relabelled_to: int = 0
    ious: list[float] = field(default_factory=list)

    @property
    def moved(self) -> int:
        """How many boxes were moved."""
        return len(self.ious)

    @property
    def deleted(self) -> int:
        """How many pre-annotations are gone."""
        return self.pre - self.kept - self.moved - self.relabelled

    @property
    def added(self) -> int:
        """How many objects were drawn anew."""
        return self.truth - self.kept - self.moved - self.relabelled_to

    @property
    def corrected(self) -> int:
        """How many objects were corrected, in whatever way."""
        return self.moved + self.relabelled + self.deleted + self.added

    @property
    def kept_share(self) -> float | None:
        """Which share of the pre-annotations was kept, 0 to 1; None without any."""
        return round(self.kept / self.pre, _DECIMALS) if self.pre else None

    @property
    def moved_mean_iou(self) -> float | None:
        """How much the moved boxes overlap what became of them, 0 to 1; None without any."""
        # Sorted, for the last digits not to depend on the order of images.
        return round(sum(sorted(self.ious)) / self.moved, _DECIMALS) if self.ious else None


@dataclass(frozen=True)
class Corrections:
    """The work of a labeller.

    Attributes:
        overall: over all classes.
        by_class: by name, for each class that either side has.
        relabelled: how many went from one class to another, the most frequent first.
        images_untouched: how many images needed no correction.
        tolerance: how far a side may be moved in a kept box, in pixels.
    """

    overall: CorrectionCounts
    by_class: dict[str, CorrectionCounts]
    relabelled: dict[tuple[str, str], int]
    images_untouched: int
    tolerance: float


def corrections(comparison: Comparison, tolerance: float = TOLERANCE_PIXELS) -> Corrections:
    """Count what became of the pre-annotations, in the images that both sides have.

    Args:
        comparison: the run against its corrected export.
        tolerance: how far a side may be moved in a kept box, in pixels.
    """
    names = comparison.classes
    by_class: defaultdict[str, CorrectionCounts] = defaultdict(CorrectionCounts)
    relabelled: Counter[tuple[str, str]] = Counter()
    untouched = 0
    for box in comparison.found:
        by_class[names[box.category]].pre += 1
    for box in comparison.truth:
        by_class[names[box.category]].truth += 1
    found, truth = _by_image(comparison.found), _by_image(comparison.truth)
    for image in range(comparison.images):
        kept = 0
        for pair in pairs(found[image], truth[image], tolerance):
            before, after = names[pair.found.category], names[pair.truth.category]
            if pair.kept:
                kept += 1
                by_class[before].kept += 1
            elif pair.same_class:
                by_class[before].ious.append(pair.iou)
            else:
                relabelled[before, after] += 1
                by_class[before].relabelled += 1
                by_class[after].relabelled_to += 1
        untouched += kept == len(found[image]) == len(truth[image])
    return Corrections(
        overall=_sum(by_class.values()),
        by_class=dict(sorted(by_class.items())),
        relabelled=dict(sorted(relabelled.items(), key=lambda each: (-each[1], each[0]))),
        images_untouched=untouched,
        tolerance=tolerance,
    )


def _by_image(boxes: Iterable[Box]) -> defaultdict[int, list[Box]]:
    images: defaultdict[int, list[Box]] = defaultdict(list)
    for box in boxes:
        images[box.image].append(box)
    return images


def _sum(parts: Iterable[CorrectionCounts]) -> CorrectionCounts:
    total = CorrectionCounts()
    for part in parts:
        total.pre += part.pre
        total.truth += part.truth
        total.kept += part.kept
        total.relabelled += part.relabelled
        total.relabelled_to += part.relabelled_to
        total.ious += part.ious
    return total
