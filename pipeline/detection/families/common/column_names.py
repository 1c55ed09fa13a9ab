"""Names of outputs that spell their columns, such as `label_xyxy_score`.

PINTO_model_zoo names the outputs of its post-processing so, and so do models that are made with its
tools: https://github.com/PINTO0309/PINTO_model_zoo
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import BoxUnit

BATCH, CLASS, SCORE, EXTRA = "batch", "class", "score", "extra"
"""Columns besides the coordinates: index in the batch, class id, score, anything else."""

_SHARES: BoxUnit = "shares"
_PIXELS: BoxUnit = "pixels"
_UNITS = (_SHARES, _PIXELS)

CORNERS, CENTRE, CORNER_AND_SIZE = (
    ("x1", "y1", "x2", "y2"),
    ("cx", "cy", "w", "h"),
    ("x1", "y1", "w", "h"),
)
"""The coordinates by which a name can spell a box, in any order."""

AMBIGUOUS = {
    ("x", "y", "w", "h"): "x and y are the centre of a box or its top left corner. Write cxcywh or "
    "tlwh in place of xywh",
    ("t", "l", "b", "r"): "y or x comes first. Write y1x1y2x2 or x1y1x2y2 in place of tlbr",
}
"""Coordinates that mean one thing in some code and another one in other code.

The values complete the error message "does not show whether ... in the name".
"""
_XYWH, _TLBR = AMBIGUOUS

_SCORE_WORDS = "scores?|confidences?|conf|probs?|probability|probabilities"

# Boxes in one word. With an `n` at its end, as in `xyxyn`, the coordinates are shares.
_BOXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("xyxy|ltrb|x1y1x2y2", CORNERS),
    ("yxyx|y1x1y2x2", ("y1", "x1", "y2", "x2")),
    ("cxcywh|xcycwh", CENTRE),
    ("[tl]{2}wh", CORNER_AND_SIZE),
    ("xywh", _XYWH),
    ("tlbr|topleftbottomright", _TLBR),
)
# The known words, as regular expressions, and the columns that each stands for. Where one word
# begins with another, the longer one comes first.
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((f"(?:{word})n(?![a-z0-9])", (*columns, _SHARES)) for word, columns in _BOXES),
    *_BOXES,
    ("x1|xmin|minx|xtl|tlx|xstart|startx|left", ("x1",)),
    ("y1|ymin|miny|ytl|tly|ystart|starty|top", ("y1",)),
    ("x2|xmax|maxx|xbr|brx|xend|endx|right", ("x2",)),
    ("y2|ymax|maxy|ybr|bry|yend|endy|bottom", ("y2",)),
    ("cx|xc(?:enter|entre)?|cent(?:er|re)x", ("cx",)),
    ("cy|yc(?:enter|entre)?|cent(?:er|re)y", ("cy",)),
    ("width|w", ("w",)),
    ("height|h", ("h",)),
    ("norm(?:ali[sz]ed)?|relative", (_SHARES,)),
    ("pixels?|px|absolute", (_PIXELS,)),
    ("x", ("x",)),
    ("y", ("y",)),
    ("batch(?:no|ids?|idx|index)?", (BATCH,)),
    ("(?:class|cls|label|category)(?:nos?|ids?|idx|index|es|s)?", (CLASS,)),
    (f"obj(?:ect(?:ness)?)?(?:{_SCORE_WORDS})?|{_SCORE_WORDS}", (SCORE,)),
    # Words that stand for no column.
    ("b?box(?:es)?|dets?|detections?|outputs?|nms|final|decoded?|rows|and|cat|main[0-9]*", ()),
)
_PATTERNS = tuple((re.compile(word), columns) for word, columns in _WORDS)
_KNOWN_WORDS = re.compile(f"(?:{'|'.join(word for word, _ in _WORDS)})+")
# Words that are written with a separator as often as without one: class_id, obj_conf.
_SPLIT_WORDS = (
    re.compile("(batch|class|cls|label|category)[_-](no|ids?|idx|index)(?![a-z0-9])"),
    re.compile(f"((?<![a-z0-9])obj(?:ect(?:ness)?)?)[_-]({_SCORE_WORDS})(?![a-z0-9])"),
    re.compile("(top)[_-]?(left)[_-]?(bottom)[_-]?(right)"),
)
# The same for x_min and min_x. In x_min_y_min and min_x_min_y, the first word shows which it is.
_SIDES = "min|max|start|end|tl|br|cent(?:er|re)|c"
_SPLIT_COORDINATES = (
    re.compile(f"((?<![a-z0-9])[xy])[_-]({_SIDES}|[012])(?![a-z0-9])"),
    re.compile(f"((?<![a-z0-9])(?:{_SIDES}))[_-]([xy])(?![a-z0-9])"),
)
# Code that counts the corners from 0 has x0 y0 x1 y1 for x1 y1 x2 y2.
_COUNTS_FROM_0 = re.compile("x0.*y0|y0.*x0")
_MAX_LENGTH = 100  # of a name, in characters


class SpelledColumns(NamedTuple):
    """The columns that a name spells.

    Attributes:
        columns: the columns in order; `extra` stands for any number of columns of another meaning.
        extra: the words of the name that stand for the extra columns.
        box_unit: the unit of the coordinates; None if the name does not say it.
    """

    columns: tuple[str, ...]
    extra: tuple[str, ...]
    box_unit: BoxUnit | None

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The columns that are coordinates."""
        return tuple(each for each in self.columns if each not in (BATCH, CLASS, SCORE, EXTRA))

    @property
    def has_box(self) -> bool:
        """Whether the columns are those of one box, and no coordinate occurs twice."""
        return any(
            sorted(self.coordinates) == sorted(box)
            for box in (CORNERS, CENTRE, CORNER_AND_SIZE, *AMBIGUOUS)
        )

    @property
    def ambiguity(self) -> str | None:
        """What the coordinates do not show, of the values of `AMBIGUOUS`."""
        coordinates = sorted(self.coordinates)
        return next(
            (unclear for box, unclear in AMBIGUOUS.items() if coordinates == sorted(box)), None
        )

    def filled(self, width: int) -> tuple[str, ...] | None:
        """Return a column for each of `width` columns; None if the name spells another number."""
        missing = width - len(self.columns)
        if missing == 0 and EXTRA not in self.columns:
            return self.columns
        if self.columns.count(EXTRA) != 1 or missing < -1:
            return None
        index = self.columns.index(EXTRA)
        extras = (EXTRA,) * (missing + 1)
        return self.columns[:index] + extras + self.columns[index + 1 :]


def spell_columns(name: str) -> SpelledColumns:
    """Return the columns that the name of an output spells, in any order and with any separators.

    Words in succession that stand for no known column count as one extra column.
    """
    text = name.removesuffix(":0").rsplit("/", 1)[-1].lower()[:_MAX_LENGTH]
    first_words = {
        coordinate: match.start()
        for coordinate in _SPLIT_COORDINATES
        if (match := coordinate.search(text))
    }
    for split_word in (*_SPLIT_WORDS, *sorted(first_words, key=first_words.__getitem__)):
        text = split_word.sub(lambda match: "".join(match.groups()), text)
    if _COUNTS_FROM_0.search(text):
        text = re.sub("([xy])([01])", lambda match: f"{match[1]}{int(match[2]) + 1}", text)
    columns: list[str] = []
    extra: list[str] = []
    for chunk in re.findall("[a-z0-9]+", text):
        if _KNOWN_WORDS.fullmatch(chunk):
            columns += _columns_of_words(chunk)
            continue
        extra.append(chunk)
        if columns[-1:] != [EXTRA]:
            columns.append(EXTRA)
    units = [unit for unit in _UNITS if unit in columns]
    return SpelledColumns(
        columns=tuple(column for column in columns if column not in _UNITS),
        extra=tuple(extra),
        box_unit=units[0] if len(units) == 1 else None,
    )


def _columns_of_words(text: str) -> list[str]:
    """Return the columns of known words without separators, such as `x1y1x2y2score`."""
    columns: list[str] = []
    while text:
        matches = ((pattern.match(text), found) for pattern, found in _PATTERNS)
        end, found = next(((match.end(), found) for match, found in matches if match), (1, ()))
        columns += found
        text = text[end:]
    return columns
