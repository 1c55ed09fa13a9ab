"""Text of strangers (labels, keys, names in files), before a person or a file gets it."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Return text in one line, of characters that do nothing to a terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def whole(text: str) -> str:
    """Return text in which halves of characters, which no file may hold, are replaced."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
