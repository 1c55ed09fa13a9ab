"""Make text from outside (labels, keys, file names) safe to show or to write."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath

_MAX_NAME_LENGTH = 200
_SURROGATE = re.compile("[\ud800-\udfff]")
# https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """Return text on one line, without characters that control a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def shortened(name: str) -> str:
    """Return a name of a file, cut off where no genuine name is as long.

    Names go into messages and logs, which one name must not fill.
    """
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[:_MAX_NAME_LENGTH]}..."


def replace_surrogates(text: str) -> str:
    """Return text that can be encoded as UTF-8: lone surrogates are replaced."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def xml_text(text: str) -> str:
    """Return text that an XML file may have: characters that it may not have are replaced."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def path_text(path: str | PurePath) -> str:
    """Return a path as text; bytes that are not UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
