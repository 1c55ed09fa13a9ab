"""The counts by class that become metrics."""

from collections import Counter

from handler.metrics import CLASSES_WITH_METRICS, bounded_counts


def test_classes_beyond_the_limit_are_counted_as_other() -> None:
    classes = tuple(f"class {n}" for n in range(CLASSES_WITH_METRICS + 5))
    counts = Counter(dict.fromkeys(classes, 2))
    bounded = bounded_counts(counts, classes)
    assert len(bounded) == CLASSES_WITH_METRICS + 1
    assert bounded["other"] == 5 * 2
    assert bounded.total() == counts.total()
