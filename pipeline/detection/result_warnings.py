"""Sentences that a person has to read about a result that is complete, but may not be right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.detection.model import Model


def unread_parts_warning(model: Model) -> str:
    """Say which parts of the model's outputs are missing in the dataset."""
    return (
        f"The model {model.name} also gives {' and '.join(model.spec.unread)}. They are not read: "
        "the dataset has only upright boxes."
    )


def nothing_found_warning(
    model: Model, images: int, score_threshold: float, best_score: float
) -> str:
    """Say that nothing was found, how near a detection was, and what to try.

    Args:
        model: the model.
        images: the number of images in which nothing was found.
        score_threshold: lowest score of a detection.
        best_score: the best score of a box; minus infinity if there were no boxes.
    """
    where = f"The model {model.name} found nothing in {images} image{'s' * (images != 1)}"
    if best_score >= score_threshold:
        return (
            f"{where} that is in the dataset: its objects are of classes that detector.classes or "
            f"the labels leave out. The best score was {best_score:.2g}."
        )
    seen = (
        "It gave no boxes at all"
        if math.isinf(best_score)
        else f"The best score was {best_score:.2g}, and the threshold is {score_threshold:g}"
    )
    preprocess = model.spec.preprocess.description(model.image_input.type)
    return (
        f"{where}. {seen}. If there are objects that it should know, its preprocessing may be "
        f"wrong, which is '{preprocess}': scale, colour order and resize can be changed on its "
        "card. `pretag model check` tries others on an image of yours, and shows the lines for the "
        "card."
    )
