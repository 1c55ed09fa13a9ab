"""The error for a model that cannot be used, and functions that shape error messages."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class UnsupportedModelError(Exception):
    """A model cannot be used.

    The message completes the sentence "Model x cannot be used: ...", and then says what to do.
    """


@contextmanager
def as_broken_error(model_file: Path) -> Iterator[None]:
    """Replace an UnsupportedModelError by a BrokenError that names the model file.

    Raises:
        BrokenError: the code in the `with` block raised UnsupportedModelError.
    """
    try:
        yield
    except UnsupportedModelError as error:
        raise BrokenError(f"Model {model_file} cannot be used: {error}") from error


def one_line_message(error: Exception) -> str:
    """Return the message of a library's error on one line, without a full stop at its end."""
    return " ".join(str(error).split()).rstrip(".")
