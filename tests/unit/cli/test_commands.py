"""The list of commands: what it says, and what it does not import."""

import gc
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import click
import pytest

from pipeline.cli.commands import pretag
from pipeline.cli.late_commands import importing

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


def test_after_an_import_all_is_as_before() -> None:
    def handle(_number: int, _frame: object) -> None:
        pass

    own = signal.signal(signal.SIGINT, handle)
    try:
        with importing():
            assert not gc.isenabled()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert gc.isenabled()
        assert signal.getsignal(signal.SIGINT) is handle
    finally:
        signal.signal(signal.SIGINT, own)


def test_signals_that_are_ignored_stay_ignored_during_an_import() -> None:
    own = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with importing():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, own)


def test_an_import_leaves_the_collection_of_objects_off_if_it_was_off() -> None:
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_command_starts_no_threads_of_numpy() -> None:
    code = (
        "import os, sys; sys.argv = ['pretag', '--version']\n"
        "from pipeline.cli import main\n"
        "try: main()\n"
        "except SystemExit: import numpy; print(len(os.listdir('/proc/self/task')))"
    )
    clean = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean
    )
    assert finished.stdout.splitlines()[-1] == "1"
