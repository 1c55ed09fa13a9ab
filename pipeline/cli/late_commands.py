"""A group of commands whose modules are imported when a command is called.

What the commands need, such as OpenCV and ONNX Runtime, takes most of a second to import. The list
of commands needs none of it.
"""

from __future__ import annotations

import gc
import signal
import threading
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class LateCommand(NamedTuple):
    """Where a command is, and what the list of commands says of it.

    Attributes:
        module: its module.
        function: its name there.
        summary: the first sentence of its help.
    """

    module: str
    function: str
    summary: str


class LateCommands(click.Group):
    """A group of commands that are not imported yet."""

    def __init__(self, late: Mapping[str, LateCommand], **options: Any) -> None:  # noqa: ANN401
        """Create a group.

        Args:
            late: the commands, by name.
            options: those of any group.
        """
        super().__init__(**options)
        self._late = late

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as the base class
        """Return the names of all commands."""
        return sorted(self._late)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - as the base class
        cmd_name: str,
    ) -> click.Command | None:
        """Import a command and return it; None if there is none of this name."""
        found = self._late.get(cmd_name)
        if found is None:
            return None
        with importing():
            module = import_module(found.module)
        return cast("click.Command", getattr(module, found.function))

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - as the base class
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, late.summary) for name, late in sorted(self._late.items())])


@contextmanager
def importing() -> Iterator[None]:
    """Import large packages in the block: faster, and ended at once by SIGINT and SIGTERM.

    Python looks for unused objects again and again while it makes many, which takes a tenth of the
    time. While OpenCV or ONNX Runtime is imported, an interrupt becomes an ImportError. Nothing has
    been written yet, and a decoder that runs ends with this process. Signals are changed in the
    main thread only, which gets all of them.
    """
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    own = {number: handler for number, handler in handlers.items() if is_main and callable(handler)}
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        for number in own:
            signal.signal(number, signal.SIG_DFL)
        yield
    finally:
        if was_collecting:
            gc.enable()
        for number, handler in own.items():
            signal.signal(number, handler)
