"""Check that the name of an output says what each of its columns is.

A name that leaves this open is refused. Other families would read the output by its shape, with
another order of columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.detection.families.common.column_names import BATCH, CLASS, EXTRA, SCORE
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.column_names import SpelledColumns
    from pipeline.detection.graph import Graph, TensorInfo

BOX_WIDTH = 4
_MAX_RANK = 3
_BOX_WORD = re.compile("box|det", re.IGNORECASE)


class Table(NamedTuple):
    """An output with one row for each object, and its columns."""

    tensor: TensorInfo
    columns: tuple[str, ...]


def make_table(tensor: TensorInfo, names: SpelledColumns) -> Table:
    """Return an output with the columns that its name spells.

    Raises:
        UnsupportedModelError: the output has another number of columns, or the name leaves open
            what they are.
    """
    width = tensor.shape[-1] if tensor.shape else None
    columns = names.filled(width) if width else names.columns
    if columns is None:
        raise UnsupportedModelError(
            f"the name of its output '{tensor}' spells {len(names.columns)} columns "
            f"({', '.join(names.columns)}), but it has {width}. Rename the output to the columns "
            "that it has, such as batchno_classid_score_x1y1x2y2."
        )
    if names.ambiguity:
        raise UnsupportedModelError(
            f"the name of its output '{tensor}' does not show whether {names.ambiguity} in the "
            "name."
        )
    return Table(tensor, columns)


def check_no_column_twice(tables: Sequence[Table]) -> None:
    """Check that no two columns have the same meaning.

    Raises:
        UnsupportedModelError: two columns have the same one.
    """
    columns = [column for table in tables for column in table.columns if column != EXTRA]
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise UnsupportedModelError(
            f"the names of its outputs ({'; '.join(str(table.tensor) for table in tables)}) spell "
            f"the {twice} twice. Rename them so that they spell each column once, such as "
            "batchno_classid_score_x1y1x2y2."
        )


def no_score_error(tensor: TensorInfo, names: SpelledColumns) -> UnsupportedModelError:
    """Return the error for an output with a box and further columns, none of them a score."""
    unknown = f" ({' and '.join(map(repr, names.extra))} is unknown)" if names.extra else ""
    return UnsupportedModelError(
        f"the name of its output '{tensor}' does not say which column is the score{unknown}. Write "
        "score at its place in the name, such as x1y1x2y2_score_classid."
    )


def check_box_is_spelled(
    graph: Graph, spelled: Sequence[tuple[TensorInfo, SpelledColumns]]
) -> None:
    """Check that no row of class, score and box leaves open what the four columns of the box are.

    A box, the score and the class, in this order, are the row of models with NMS, which other
    families read.

    Raises:
        UnsupportedModelError: a row leaves it open.
    """
    has_boxes = any(tensor.shape and tensor.shape[-1] == BOX_WIDTH for tensor in graph.outputs)
    for tensor, names in spelled:
        known = tuple(each for each in names.columns if each in (BATCH, CLASS, SCORE))
        has_box = bool(names.extra or names.coordinates or _BOX_WORD.search(tensor.name))
        if (
            {CLASS, SCORE} <= set(known)
            and has_box
            and names.columns != (SCORE, CLASS)
            and tensor.shape is not None
            and len(tensor.shape) <= _MAX_RANK
            and tensor.shape[-1] == len(known) + BOX_WIDTH
            and not has_boxes
        ):
            raise UnsupportedModelError(
                f"the name of its output '{tensor}' spells a class and a score, but not what the "
                f"{BOX_WIDTH} columns of the box are. Write x1y1x2y2, y1x1y2x2, cxcywh or tlwh at "
                "their place in the name, such as label_x1y1x2y2_score."
            )
