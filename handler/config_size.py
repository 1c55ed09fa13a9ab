"""Bound the size of the configuration in an event, before it is merged and quoted in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handler.fields import is_encodable, shown
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Enough for each class of the largest common data set, LVIS with 1,203.
_MOST_ITEMS = 2000
_MOST_NAMES = 100
_LONGEST_NAME = 64
_LONGEST_VALUE = 1024
_LONGEST_ITEM = 256
_LARGEST_NUMBER = 2**53


def check_size(config: Mapping[str, Any]) -> None:
    """Check that a configuration has only short names and short values.

    Raises:
        BrokenError: it has not.
    """
    values = [
        (name, value)
        for section, inner in config.items()
        for name, value in (inner.items() if isinstance(inner, dict) else [(section, inner)])
    ]
    names = [*config, *(name for name, _ in values)]
    if len(names) > _MOST_NAMES or not all(_is_text(name, _LONGEST_NAME) for name in names):
        raise BrokenError(
            f"The config of the event has more than {_MOST_NAMES} names, or one that is not text "
            f"of at most {_LONGEST_NAME} characters. `pretag config` prints the keys."
        )
    for name, value in values:
        if not _is_small(value):
            raise BrokenError(
                f"The config of the event has a value for {shown(name)} that is too large or too "
                f"deep. A value is a number, text of at most {_LONGEST_VALUE} characters, or a "
                f"list or a table of at most {_MOST_ITEMS} of them, with {_LONGEST_ITEM} "
                "characters each."
            )


def _is_small(value: object) -> bool:
    if isinstance(value, dict):
        items = [*value, *value.values()]
        return len(value) <= _MOST_ITEMS and all(_is_scalar(item, _LONGEST_ITEM) for item in items)
    if isinstance(value, list):
        return len(value) <= _MOST_ITEMS and all(_is_scalar(item, _LONGEST_ITEM) for item in value)
    return _is_scalar(value, _LONGEST_VALUE)


def _is_scalar(value: object, longest: int) -> bool:
    if isinstance(value, int | float):
        return not abs(value) > _LARGEST_NUMBER  # true for NaN, which the schema refuses
    return value is None or _is_text(value, longest)


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and is_encodable(value)
