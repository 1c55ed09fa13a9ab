"""The baseline: what runs without drift found, and how much they differ."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.drift.sample import DETECTOR_FACTS, LEAST_OBJECTS, SCORE_BINS
from pipeline.drift.spread import spread_of
from pipeline.errors import BrokenError, InputFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.drift.sample import Sample

LEAST_RESULTS = 5
# Rarer classes are one category together: their shares change by chance.
_LEAST_SHARE, _MOST_CLASSES = 0.01, 20


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Part(_Model):
    """The distribution of one thing.

    Attributes:
        shares: share of each category, 0 to 1.
        spread: how alike the objects of one video are, 0 to 1.
    """

    shares: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(min_length=1)
    spread: Annotated[float, Field(gt=0, lt=1)]

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Self:
        """Return the part for counts of shape (results, categories). Each result counts the same.

        So one long video does not decide alone what is usual.
        """
        shares = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
        rounded = tuple(np.round(shares, 6).tolist())
        return cls(shares=rounded, spread=round(spread_of(counts), 6))


class Baseline(_Model):
    """What runs without drift found.

    Attributes:
        results: number of results that it was made of.
        objects: number of objects in them.
        detector: what is equal in all of them. See `detector_facts`.
        labels: the classes with a category of their own, the most frequent one first.
        classes: of `labels`, and of all other classes together, which come last.
        scores: in 10 bins of equal width from 0 to 1.
    """

    results: Annotated[int, Field(ge=LEAST_RESULTS)]
    objects: Annotated[int, Field(ge=LEAST_RESULTS * LEAST_OBJECTS)]
    detector: dict[str, Any]
    labels: tuple[str, ...] = Field(min_length=1, max_length=_MOST_CLASSES)
    classes: Part
    scores: Part

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Self:
        """Return the baseline of runs.

        Raises:
            InputFileError: they are fewer than 5, or of different detectors.
        """
        if len(samples) < LEAST_RESULTS:
            raise InputFileError(
                f"A baseline needs {LEAST_RESULTS} results with {LEAST_OBJECTS} objects each, and "
                f"there are {len(samples)}. From fewer, nobody can tell how much videos differ "
                "without drift. Name more results; 20 or more make the limits sharper."
            )
        detector = dict(samples[0].detector)
        if any(sample.detector != detector for sample in samples):
            raise InputFileError(
                f"The results are of different detectors: {DETECTOR_FACTS} differ in their "
                "config.json. Name results of one of them."
            )
        mean: defaultdict[str, float] = defaultdict(float)
        for sample in samples:
            for label, count in sample.classes.items():
                mean[label] += count / sample.objects / len(samples)
        frequent = sorted(mean, key=lambda label: (-mean[label], label))[:_MOST_CLASSES]
        # With hundreds of classes, none may be frequent. One alone can be compared with all others.
        rest = [label for label in frequent[1:] if mean[label] >= _LEAST_SHARE]
        labels = (*frequent[:1], *rest)
        return cls(
            results=len(samples),
            objects=sum(sample.objects for sample in samples),
            detector=detector,
            labels=labels,
            classes=Part.of(np.array([class_counts(labels, each) for each in samples])),
            scores=Part.of(np.array([each.scores for each in samples])),
        )

    @classmethod
    def parse(cls, data: bytes, name: str) -> Self:
        """Return the baseline in the bytes of its file.

        Raises:
            BrokenError: it is not as `pretag baseline` writes it.
        """
        try:
            baseline = cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise BrokenError(
                f"{name} is no baseline: {place + ': ' if place else ''}{first['msg']}. "
                "Write it again with `pretag baseline`."
            ) from None
        if (
            len(baseline.classes.shares) != len(baseline.labels) + 1
            or len(baseline.scores.shares) != SCORE_BINS
        ):
            raise BrokenError(
                f"{name} is no baseline: the number of shares is wrong. Write it again with "
                "`pretag baseline`."
            )
        return baseline


def class_counts(labels: Sequence[str], sample: Sample) -> list[int]:
    """Return the number of objects of each label, and of all other classes."""
    counts = [sample.classes[label] for label in labels]
    return [*counts, sample.objects - sum(counts)]
