"""Knowing a model's family by its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import FAMILIES
from pipeline.detection.unfit import UnfitError

if TYPE_CHECKING:
    from pipeline.detection.families.family import Family, Reading
    from pipeline.detection.graph import Graph


# What Ultralytics exports besides: https://docs.ultralytics.com/tasks/
_TASKS_WITHOUT_BOXES = ("classify", "obb", "semantic", "depth")


def recognise(graph: Graph) -> tuple[Family, Reading] | None:
    """Find the family of a graph, and how it is read.

    Args:
        graph: the model's signature; if its card names a family, only that one is asked.

    Returns:
        The first family that knows it; None if none does.

    Raises:
        UnfitError: there is no such family, its task is another one, or a family knows it and that
            it cannot be read.
    """
    if not graph.outputs:
        raise UnfitError("it has no outputs. Export it again.")
    task = graph.metadata.get("task")
    if task in _TASKS_WITHOUT_BOXES:
        raise UnfitError(
            f"its metadata says that its task is '{task}', and pretag reads detectors with upright "
            "boxes. Export one of task 'detect'."
        )
    candidates = [each for each in FAMILIES if graph.family in (None, each.name)]
    if not candidates:
        names = ", ".join(each.name for each in FAMILIES)
        raise UnfitError(f"its card names the family '{graph.family}'; there are {names}.")
    for candidate in candidates:
        reading = candidate.read(graph)
        if reading is not None:
            return candidate, reading
    return None
