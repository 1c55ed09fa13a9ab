"""Compare a COCO file with the known one, as exactly as CPUs of different models agree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Coco = Mapping[str, Any]
    Annotation = Mapping[str, Any]

BOX_PIXELS = 0.05
"""Largest difference of a side of a box, in pixels."""
SCORE = 0.001
"""Largest difference of a score."""

_ROUNDING = 1e-9  # of binary fractions: 10.05 - 10.0 is more than 0.05
_FRAME = ("file_name", "frame_index", "pts_ms", "width", "height")


def differences(known: Coco, found: Coco) -> list[str]:
    """Return how a COCO file differs from the known one, a sentence for each difference.

    Classes and frames must be equal. Each object of a frame must have one of the same class in the
    other file, with a box within 0.05 pixels and a score within 0.001.

    Args:
        known: the known COCO file, with boxes as x, y, width, height in pixels.
        found: the other one.

    Returns:
        The differences, most general first; empty if there is none.
    """
    if _classes(known) != _classes(found):
        return ["It has other classes than the known result."]
    if _frames(known) != _frames(found):
        missing = sorted(_frames(known) - _frames(found))
        added = sorted(_frames(found) - _frames(known))
        counts = f"{len(missing)} missing {missing[:5]}, {len(added)} added {added[:5]}"
        return [f"It has other frames than the known result: {counts}."]
    of_known, of_found = _objects(known), _objects(found)
    return [
        text
        for frame in sorted(of_known.keys() | of_found.keys())
        for text in _object_differences(frame, of_known[frame], of_found[frame])
    ]


def _classes(coco: Coco) -> dict[int, str]:
    return {each["id"]: each["name"] for each in coco["categories"]}


def _frames(coco: Coco) -> set[tuple[Any, ...]]:
    return {tuple(image[name] for name in _FRAME) for image in coco["images"]}


def _objects(coco: Coco) -> defaultdict[str, list[Annotation]]:
    """Return the objects of each frame, by the frame's file name."""
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    objects: defaultdict[str, list[Annotation]] = defaultdict(list)
    for annotation in coco["annotations"]:
        objects[names[annotation["image_id"]]].append(annotation)
    return objects


def _object_differences(
    frame: str, known: list[Annotation], found: list[Annotation]
) -> Iterator[str]:
    left = list(found)
    for annotation in known:
        same = min(left, key=lambda other: _distance(annotation, other), default=None)
        if same is None or _distance(annotation, same) > 1:
            yield f"{frame}: {_told(annotation)} of the known result is missing."
        else:
            left.remove(same)
    for annotation in left:
        yield f"{frame}: {_told(annotation)} is not in the known result."


def _distance(first: Annotation, second: Annotation) -> float:
    """Return how far two objects are apart, in tolerances: up to 1 they are the same."""
    if first["category_id"] != second["category_id"]:
        return float("inf")
    sides = zip(first["bbox"], second["bbox"], strict=True)
    pixels = max(abs(float(a) - float(b)) for a, b in sides) - _ROUNDING
    score = abs(float(first["score"]) - float(second["score"])) - _ROUNDING
    return max(pixels / BOX_PIXELS, score / SCORE)


def _told(annotation: Annotation) -> str:
    return (
        f"the object of class {annotation['category_id']} with box {annotation['bbox']} "
        f"and score {annotation['score']}"
    )
