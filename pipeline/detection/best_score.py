"""The best score that a detector has seen, also below its threshold."""

from __future__ import annotations

import math
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class BestScore:
    """The best score so far. Several threads may add scores.

    Attributes:
        value: the score; minus infinity if there was none.
    """

    def __init__(self) -> None:
        """Begin without a score."""
        self.value = -math.inf
        self._adding = Lock()

    def add(self, scores: NDArray[np.float32]) -> None:
        """Note the best of some scores."""
        self.raise_to(float(scores.max(initial=-math.inf)))

    def raise_to(self, score: float) -> None:
        """Note a score."""
        with self._adding:
            self.value = max(self.value, score)
