"""The paths on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import PathError
from pipeline.storage.paths import check_path
from pipeline.text import printable

if TYPE_CHECKING:
    import os
    from collections.abc import Callable


class LocalPath(click.Path):
    """A path on this machine. A wrong one is wrong usage, which is told before any work."""

    def __init__(self, check: Callable[[Path], None] = check_path) -> None:
        """Create the type.

        Args:
            check: raises a `PathError` for a wrong path; by default, only URIs are wrong.
        """
        super().__init__(path_type=Path)
        self._check = check

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return the path, checked."""
        path = Path(value)
        try:
            self._check(path)
        except PathError as error:
            self.fail(printable(str(error)), param, ctx)
        return path
