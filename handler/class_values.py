"""The values of the metric dimension `class`: readable, few, and accepted by CloudWatch.

Each value of a dimension is one more metric to pay for, and labels come from models and events.
CloudWatch takes ASCII without control characters, with at least one character that is not a space:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Bounds a deployment: classes with higher numbers have no value of their own in any process.
LARGEST_NUMBER = 100
# Bounds a process, also when the deployed model is replaced while it runs.
OWN_VALUES = 20
OTHER = "other"
_LONGEST_NAME = 40


class ClassValues:
    """The values that the classes have in this process. A class keeps its value."""

    def __init__(self) -> None:
        """Begin without values."""
        self._given: set[str] = set()

    def counts(self, detections: Mapping[str, int], labels: Sequence[str]) -> Counter[str]:
        """Return the number of objects by value of the dimension.

        The values that are left go to the most frequent classes first. The other classes are
        summed up as `other`.

        Args:
            detections: number of objects by label.
            labels: labels of the deployed model, in order; empty if the event named another model.
        """
        numbers = {label: number for number, label in enumerate(labels[:LARGEST_NUMBER], 1)}
        result: Counter[str] = Counter()
        for label in sorted(detections, key=lambda label: (-detections[label], label)):
            number = numbers.get(label)
            result[OTHER if number is None else self._value(number, label)] += detections[label]
        return result

    def _value(self, number: int, label: str) -> str:
        value = class_value(number, label)
        if len(self._given) < OWN_VALUES:
            self._given.add(value)
        return value if value in self._given else OTHER


def class_value(number: int, label: str) -> str:
    """Return the value for a class: its number in the COCO file, and what ASCII has of its label.

    The number alone tells two classes apart: `001 person`, `002 Hohe` for `Höhe`, `003` for a label
    in another script.
    """
    ascii_text = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    printable = "".join(char if char.isprintable() else " " for char in ascii_text)
    name = " ".join(printable.split())[:_LONGEST_NAME]
    return f"{number:03} {name}".strip()
