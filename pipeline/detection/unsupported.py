"""Why a model cannot be used, said by whoever finds out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class UnsupportedModelError(Exception):
    """A model cannot be used; the message goes on where "Model x cannot be used: " ends."""


@contextmanager
def naming_model(model: Path) -> Iterator[None]:
    """Say which model cannot be used, as a failure that pretag understands.

    Raises:
        BrokenError: for an UnsupportedModelError within.
    """
    try:
        yield
    except UnsupportedModelError as error:
        raise BrokenError(f"Model {model} cannot be used: {error}") from error


def one_line(error: Exception) -> str:
    """Return what a library says of a failure, without its line breaks."""
    return " ".join(str(error).split())
