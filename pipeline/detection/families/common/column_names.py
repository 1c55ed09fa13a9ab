"""Names of outputs that spell their columns, such as `label_xyxy_score`.

PINTO_model_zoo names the outputs of its post-processing so, and so do models that are made with its
tools: https://github.com/PINTO0309/PINTO_model_zoo
"""

from __future__ import annotations

import re
from typing import NamedTuple

BATCH, CLASS, SCORE, EXTRA = "batch", "class", "score", "extra"
"""Columns besides the coordinates: index in the batch, class id, score, anything else."""

CORNERS, CENTRE, CORNER_AND_SIZE = (
    ("x1", "y1", "x2", "y2"),
    ("cx", "cy", "w", "h"),
    ("x1", "y1", "w", "h"),
)
"""The coordinates by which a name can spell a box, in any order."""

_AMBIGUOUS = ("x", "y", "w", "h")  # some code means the centre, other code the corner

# The known words, as regular expressions, and the columns that each stands for. Where one word
# begins with another, the longer one comes first.
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("xyxy", CORNERS),
    ("yxyx", ("y1", "x1", "y2", "x2")),
    ("cxcywh", CENTRE),
    ("[tl]{2}wh", CORNER_AND_SIZE),
    ("xywh", _AMBIGUOUS),
    ("x1|xmin|left", ("x1",)),
    ("y1|ymin|top", ("y1",)),
    ("x2|xmax|right", ("x2",)),
    ("y2|ymax|bottom", ("y2",)),
    ("cx", ("cx",)),
    ("cy", ("cy",)),
    ("width|w", ("w",)),
    ("height|h", ("h",)),
    ("batch(?:no|ids?|idx|index)?", (BATCH,)),
    ("(?:class|cls|label|category)(?:nos?|ids?|idx|index|es|s)?", (CLASS,)),
    ("scores?|confidences?|conf|probs?|probability|probabilities", (SCORE,)),
    # Words that stand for no column.
    ("b?box(?:es)?|dets?|detections?|outputs?|nms|final|decoded?|rows|and|cat|main[0-9]*", ()),
)
_PATTERNS = tuple((re.compile(word), columns) for word, columns in _WORDS)
_KNOWN_WORDS = re.compile(f"(?:{'|'.join(word for word, _ in _WORDS)})+")
# Words that are written with a separator as often as without one: class_id, x_min, x_1.
_SPLIT_WORD = re.compile(
    "(batch|class|cls|label|category|(?<![a-z0-9])[xy])[_-](no|ids?|idx|index|min|max|[12])"
    "(?![a-z0-9])"
)
_MAX_LENGTH = 100  # of a name, in characters


class SpelledColumns(NamedTuple):
    """The columns that a name spells.

    Attributes:
        columns: the columns in order; `extra` stands for any number of columns of another meaning.
        extra: the words of the name that stand for the extra columns.
    """

    columns: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def has_box(self) -> bool:
        """Whether the columns are those of one box, and no coordinate occurs twice."""
        coordinates = [each for each in self.columns if each not in (BATCH, CLASS, SCORE, EXTRA)]
        return any(
            sorted(coordinates) == sorted(box)
            for box in (CORNERS, CENTRE, CORNER_AND_SIZE, _AMBIGUOUS)
        )

    @property
    def is_ambiguous(self) -> bool:
        """Whether the name says `xywh`, which can be the centre or the corner of a box."""
        return "x" in self.columns

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
    columns: list[str] = []
    extra: list[str] = []
    for chunk in re.findall("[a-z0-9]+", _SPLIT_WORD.sub(r"\1\2", text)):
        if _KNOWN_WORDS.fullmatch(chunk):
            columns += _columns_of_words(chunk)
            continue
        extra.append(chunk)
        if columns[-1:] != [EXTRA]:
            columns.append(EXTRA)
    return SpelledColumns(tuple(columns), tuple(extra))


def _columns_of_words(text: str) -> list[str]:
    """Return the columns of known words without separators, such as `x1y1x2y2score`."""
    columns: list[str] = []
    while text:
        matches = ((pattern.match(text), found) for pattern, found in _PATTERNS)
        end, found = next(((match.end(), found) for match, found in matches if match), (1, ()))
        columns += found
        text = text[end:]
    return columns
