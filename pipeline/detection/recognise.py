"""Knowing a model's family by its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import FAMILIES
from pipeline.detection.unfit import UnfitError

if TYPE_CHECKING:
    from pipeline.detection.families.family import Family, Reading
    from pipeline.detection.graph import Graph


def recognise(graph: Graph, family: str | None = None) -> tuple[Family, Reading] | None:
    """Find the family of a graph, and how it is read.

    Args:
        graph: the model's signature.
        family: the one its card names; None: any.

    Returns:
        The first family that knows it; None if none does.

    Raises:
        UnfitError: there is no such family, or one knows the graph and that it cannot be read.
    """
    candidates = [each for each in FAMILIES if family in (None, each.name)]
    if not candidates:
        names = ", ".join(each.name for each in FAMILIES)
        raise UnfitError(f"its card names the family '{family}'; there are {names}.")
    for candidate in candidates:
        reading = candidate.read(graph)
        if reading is not None:
            return candidate, reading
    return None


def unrecognised(graph: Graph, family: str | None) -> UnfitError:
    """Return the refusal of a graph that no family knows, or not the one on its card."""
    if family is not None:
        expects = next(each.expects for each in FAMILIES if each.name == family)
        return UnfitError(
            f'its card says family = "{family}", that is {expects}; it has {graph}. Correct the '
            "card, or leave the family out to have it recognised."
        )
    known = "; ".join(f"{each.name} ({each.expects})" for each in FAMILIES)
    return UnfitError(
        f"it has {graph}, which pretag does not recognise. It reads: {known}. If it is one of "
        "them, export it as they are, or name the 'family' and 'labels' on its card."
    )
