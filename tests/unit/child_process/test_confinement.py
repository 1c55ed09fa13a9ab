"""What a confined process can no longer do, and the filter of its system calls."""

import json
import signal
import struct
import subprocess
import sys
from typing import Any

import pytest

from pipeline.child_process.system_calls import (
    ABSENT,
    ALLOW,
    ARCHITECTURES,
    CLONE3,
    REFUSE,
    REFUSED,
    Numbers,
    filter_program,
    rules,
)

PROGRAM = """
import ctypes, json, os, queue, resource, signal, socket, sys, threading
from pipeline.child_process.confinement import confine
asked, answers = queue.Queue(), queue.Queue()
def answer():
    act = asked.get()
    try:
        act()
    except OSError as error:
        answers.put(error)
    else:
        answers.put(None)
threading.Thread(target=answer, daemon=True).start()
found = {"refused": confine(64 * 2**20, 10)}
def attempt(name, act):
    try:
        act()
    except BaseException as error:
        found[name] = type(error).__name__ + " " + str(getattr(error, "errno", ""))
    else:
        found[name] = "done"
libc = ctypes.CDLL(None, use_errno=True)
def native(function, *arguments):
    if libc[function](*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")
attempt("socket", socket.socket)
attempt("socketpair", socket.socketpair)
attempt("exec", lambda: os.execv("/bin/true", ["true"]))
attempt("ptrace", lambda: native("ptrace", 16, os.getppid(), 0, 0))
parent = os.getppid()
attempt("kill", lambda: os.kill(parent, 0))
attempt("signal to a thread", lambda: native("tgkill", parent, parent, 0))
attempt("limits of another", lambda: resource.prlimit(parent, resource.RLIMIT_CPU))
attempt("fork", os.fork)
attempt("read", lambda: open("/proc/self/environ"))
attempt("write", lambda: open("/tmp/x", "w"))
attempt("remove", lambda: os.unlink("/tmp/x"))
def in_older_thread():
    asked.put(socket.socket)
    error = answers.get()
    if error:
        raise error
attempt("socket in an older thread", in_older_thread)
attempt("signal to itself", lambda: signal.raise_signal(signal.SIGCONT))
attempt("own limits", lambda: resource.getrlimit(resource.RLIMIT_CPU))
attempt("memory", lambda: bytearray(256 * 2**20))
attempt("small memory", lambda: bytearray(8 * 2**20))
thread = threading.Thread(target=lambda: None)
attempt("thread", thread.start)
attempt("memfd", lambda: os.memfd_create("a"))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


UNREACHABLE = [
    "socket",
    "socketpair",
    "exec",
    "ptrace",
    "kill",
    "signal to a thread",
    "limits of another",
    "fork",
    "read",
    "write",
    "remove",
    "socket in an older thread",
]


def test_the_system_has_all_means(found: dict[str, Any]) -> None:
    assert found["refused"] == []


@pytest.mark.parametrize("name", UNREACHABLE)
def test_a_confined_process_cannot_reach_others(found: dict[str, Any], name: str) -> None:
    assert found[name] == "PermissionError 1"


def test_a_confined_process_has_a_bounded_memory(found: dict[str, Any]) -> None:
    assert found["memory"].startswith("MemoryError")
    assert found["small memory"] == "done"


@pytest.mark.parametrize("name", ["thread", "memfd", "signal to itself", "own limits"])
def test_a_confined_process_can_decode(found: dict[str, Any], name: str) -> None:
    assert found[name] == "done"


def test_a_process_that_used_its_time_ends_with_a_signal_of_its_own() -> None:
    program = """
from pipeline.child_process.confinement import confine
confine(None, 1)
while True:
    pass
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGXCPU


def returned(program: bytes, architecture: int, number: int, arguments: dict[int, int]) -> int:
    """Run a filter on one system call. An argument that is not given is 0."""
    values = {0: number, 4: architecture}
    values |= {16 + 8 * n: arguments.get(n, 0) for n in range(6)}
    lines = list(struct.iter_unpack("HBBI", program))
    accumulator = position = 0
    while True:
        code, if_true, if_false, value = lines[position]
        position += 1
        if code == 0x20:
            accumulator = values[value]
        elif code == 0x06:
            return int(value)
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: accumulator & value != 0,
            }[code]
            position += if_true if holds else if_false


PROCESS = 4321


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_refuses_its_list_and_no_other_call(machine: str) -> None:
    architecture, column = ARCHITECTURES[machine], Numbers._fields.index(machine)
    program = filter_program(machine, PROCESS)
    numbers = {each[column] for each in REFUSED.values()}
    in_part = {rule.numbers[column] for rule in rules(PROCESS).values()}
    for number in set(range(512)) - in_part - {CLONE3[column]}:
        expected = REFUSE if number in numbers else ALLOW
        assert returned(program, architecture, number, {}) == expected, number
    assert returned(program, architecture, CLONE3[column] or 0, {}) == ABSENT
    assert returned(program, architecture, 0x40000000 + 1, {}) == REFUSE
    assert returned(program, architecture + 1, 1, {}) == REFUSE


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize(
    ("name", "argument", "allowed", "refused"),
    [
        ("clone", 0, [0x3D0F00, 0x10000], [0, 17, 0x1200011]),
        ("tgkill", 0, [PROCESS], [0, 1, PROCESS + 1]),
        ("prlimit64", 0, [0, PROCESS], [1, PROCESS + 1]),
        ("fcntl", 1, [1, 2, 3, 4, 1030], [8, 10, 15]),
    ],
)
def test_a_call_is_allowed_in_part(
    machine: str, name: str, argument: int, allowed: list[int], refused: list[int]
) -> None:
    architecture, column = ARCHITECTURES[machine], Numbers._fields.index(machine)
    program, number = filter_program(machine, PROCESS), rules(PROCESS)[name].numbers[column]
    assert number is not None
    for value in allowed:
        assert returned(program, architecture, number, {argument: value}) == ALLOW, value
    for value in refused:
        assert returned(program, architecture, number, {argument: value}) == REFUSE, value


def test_a_process_whose_parent_has_ended_ends() -> None:
    code = (
        "from pipeline.child_process.confinement import end_with_parent; import os; "
        "end_with_parent({}); print('goes on')"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code.format(parent)], capture_output=True, check=False
        )
        for parent in ("os.getppid()", "os.getppid() + 1")
    ]
    assert [(each.returncode, each.stdout) for each in found] == [(0, b"goes on\n"), (1, b"")]
