"""What is said of a graph that no family knows: what it looks like, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import FAMILIES
from pipeline.detection.unfit import UnfitError

if TYPE_CHECKING:
    from pipeline.detection.graph import Graph

_MOST_COLUMNS_OF_BOXES = 8
_RANKS_OF_MAPS = (4, 5)


def unrecognised(graph: Graph) -> UnfitError:
    """Return the refusal of a graph that no family knows, or not the one on its card."""
    if graph.family is not None:
        expects = next(each.expects for each in FAMILIES if each.name == graph.family)
        return UnfitError(
            f'its card says family = "{graph.family}", that is {expects}; it has {graph}. Correct '
            "the card, or leave the family out to have it recognised."
        )
    names = ", ".join(each.name for each in FAMILIES)
    return UnfitError(
        f"it has {graph}, which pretag does not recognise{_looks(graph)}. It reads the families "
        f"{names}: docs/models.md shows the outputs of each."
    )


def _looks(graph: Graph) -> str:
    """Return what it may be instead, and what to do about it, if its outputs tell."""
    match [port.shape for port in graph.outputs]:
        case [[_, int(classes)]] if classes > _MOST_COLUMNS_OF_BOXES:
            return ". It looks like a classifier, which finds no boxes"
    if all(port.rank in _RANKS_OF_MAPS for port in graph.outputs):
        return (
            ". Its outputs look like masks, or like maps of which boxes are still to be made: "
            "export it with the step that makes them"
        )
    return ""
