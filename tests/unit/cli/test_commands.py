"""The list of commands: what it says, and what it does not import."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import click
import pytest

from pipeline.cli.commands import pretag

CONTEXT = click.Context(pretag)
NAMES = pretag.list_commands(CONTEXT)


def test_the_list_of_commands_imports_nothing_but_click() -> None:
    code = (
        "import sys; before = set(sys.modules); sys.argv = ['pretag', '--help']\n"
        "from pipeline.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*set(sys.modules) - before)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = finished.stdout.splitlines()[-1].split()
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    assert packages == {"click", "pipeline"}
    assert {name for name in modules if name.startswith("pipeline.")} == {
        "pipeline.cli", "pipeline.cli.commands", "pipeline.cli.late_commands", "pipeline.errors",
        "pipeline.text",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_commands_has_the_first_sentence_of_their_help(name: str) -> None:
    command = pretag.get_command(CONTEXT, name)
    assert command is not None
    assert command.name == name
    formatter = click.HelpFormatter(width=1000)
    pretag.format_commands(CONTEXT, formatter)
    line = next(line for line in formatter.getvalue().splitlines() if line.split()[0] == name)
    assert line.split()[1:] == (command.help or "").partition("\n\n")[0].split()


def test_an_unknown_command_is_told() -> None:
    assert pretag.get_command(CONTEXT, "runn") is None
    with pytest.raises(click.UsageError, match="No such command 'runn'"):
        pretag.main(["runn"], standalone_mode=False)


def test_a_command_is_imported_in_any_thread() -> None:
    with ThreadPoolExecutor() as executor:
        command = executor.submit(pretag.get_command, CONTEXT, "index").result()
    assert command is not None
