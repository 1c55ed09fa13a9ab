"""The system calls that a child does not need, as a filter for seccomp.

A child has its memory, its threads, and the descriptors that it was started with. So no call that
opens a file, makes a socket or a process, or acts on another process is allowed.
https://man7.org/linux/man-pages/man2/seccomp.2.html
"""

from __future__ import annotations

import errno
import struct
from typing import NamedTuple

ALLOW = 0x7FFF0000
_ERROR = 0x00050000
REFUSE = _ERROR | errno.EPERM
# To glibc it means that the kernel is older, so it uses `clone`, whose flags a filter can see.
ABSENT = _ERROR | errno.ENOSYS

_LOAD, _RETURN = 0x20, 0x06
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
# Numbers from here on are those of another ABI (x32), which would pass the list.
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
# F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. Not F_SETOWN, which sends signals to others.
_FCNTL_COMMANDS = (1, 2, 3, 4, 1030)


class Numbers(NamedTuple):
    """The numbers of a system call on x86_64 and aarch64; None: it does not exist there."""

    x86_64: int | None
    aarch64: int | None


REFUSED = {
    # Files. What is open stays open.
    "open": Numbers(2, None),
    "creat": Numbers(85, None),
    "openat": Numbers(257, 56),
    "openat2": Numbers(437, 437),
    "name_to_handle_at": Numbers(303, 264),
    "open_by_handle_at": Numbers(304, 265),
    "readlink": Numbers(89, None),
    "readlinkat": Numbers(267, 78),
    "truncate": Numbers(76, 45),
    "unlink": Numbers(87, None),
    "unlinkat": Numbers(263, 35),
    "rename": Numbers(82, None),
    "renameat": Numbers(264, 38),
    "renameat2": Numbers(316, 276),
    "mkdir": Numbers(83, None),
    "mkdirat": Numbers(258, 34),
    "rmdir": Numbers(84, None),
    "mknod": Numbers(133, None),
    "mknodat": Numbers(259, 33),
    "link": Numbers(86, None),
    "linkat": Numbers(265, 37),
    "symlink": Numbers(88, None),
    "symlinkat": Numbers(266, 36),
    "chmod": Numbers(90, None),
    "fchmodat": Numbers(268, 53),
    "chown": Numbers(92, None),
    "lchown": Numbers(94, None),
    "fchownat": Numbers(260, 54),
    "mount": Numbers(165, 40),
    "umount2": Numbers(166, 39),
    "pivot_root": Numbers(155, 41),
    "chroot": Numbers(161, 51),
    "ioctl": Numbers(16, 29),
    # The network, and other ways to speak with processes.
    "socket": Numbers(41, 198),
    "socketpair": Numbers(53, 199),
    "connect": Numbers(42, 203),
    "bind": Numbers(49, 200),
    "listen": Numbers(50, 201),
    "accept": Numbers(43, 202),
    "accept4": Numbers(288, 242),
    "mq_open": Numbers(240, 180),
    "shmget": Numbers(29, 194),
    "msgget": Numbers(68, 186),
    "semget": Numbers(64, 190),
    # Programs and processes. `clone` is below.
    "execve": Numbers(59, 221),
    "execveat": Numbers(322, 281),
    "fork": Numbers(57, None),
    "vfork": Numbers(58, None),
    "setns": Numbers(308, 268),
    "unshare": Numbers(272, 97),
    # The memory, the descriptors and the speed of other processes.
    "ptrace": Numbers(101, 117),
    "process_vm_readv": Numbers(310, 270),
    "process_vm_writev": Numbers(311, 271),
    "process_madvise": Numbers(440, 440),
    "process_mrelease": Numbers(448, 448),
    "pidfd_open": Numbers(434, 434),
    "pidfd_getfd": Numbers(438, 438),
    "kcmp": Numbers(312, 272),
    "migrate_pages": Numbers(256, 238),
    "move_pages": Numbers(279, 239),
    "setpriority": Numbers(141, 140),
    "sched_setparam": Numbers(142, 118),
    "sched_setscheduler": Numbers(144, 119),
    "sched_setaffinity": Numbers(203, 122),
    "sched_setattr": Numbers(314, 274),
    "ioprio_set": Numbers(251, 30),
    # Signals. `tgkill` is below.
    "kill": Numbers(62, 129),
    "tkill": Numbers(200, 130),
    "rt_sigqueueinfo": Numbers(129, 138),
    "rt_tgsigqueueinfo": Numbers(297, 240),
    "pidfd_send_signal": Numbers(424, 424),
    # Parts of the kernel that attacks on it have used.
    "bpf": Numbers(321, 280),
    "userfaultfd": Numbers(323, 282),
    "perf_event_open": Numbers(298, 241),
    "io_uring_setup": Numbers(425, 425),
    "keyctl": Numbers(250, 219),
    "add_key": Numbers(248, 217),
    "request_key": Numbers(249, 218),
}
CLONE3 = Numbers(435, 435)


class Rule(NamedTuple):
    """A call that is allowed only if an argument has one of some values, or has a bit."""

    numbers: Numbers
    argument: int
    values: tuple[int, ...]
    test: int = _IF_EQUAL


def rules(process_id: int) -> dict[str, Rule]:
    """Return the calls that are allowed in part: new threads, and what concerns this process."""
    return {
        "clone": Rule(Numbers(56, 220), 0, (_CLONE_THREAD,), _IF_ANY_BIT),
        "tgkill": Rule(Numbers(234, 131), 0, (process_id,)),
        "prlimit64": Rule(Numbers(302, 261), 0, (0, process_id)),
        "fcntl": Rule(Numbers(72, 25), 1, _FCNTL_COMMANDS),
    }


ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def filter_program(machine: str, process_id: int) -> bytes:
    """Return a filter that refuses with EPERM what is listed, and allows all other calls.

    Args:
        machine: a key of `ARCHITECTURES`.
        process_id: the process that is to be filtered.
    """
    column = Numbers._fields.index(machine)
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_IF_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, REFUSE),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_IF_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, REFUSE),
        (_IF_EQUAL, 0, 1, CLONE3[column] or 0),
        (_RETURN, 0, 0, ABSENT),
    ]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            lines += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, REFUSE)]
    for rule in rules(process_id).values():
        lines += _rule_lines(rule, rule.numbers[column] or 0)
    lines.append((_RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _rule_lines(rule: Rule, number: int) -> list[tuple[int, int, int, int]]:
    count = len(rule.values)
    return [
        (_IF_EQUAL, 0, count + 3, number),
        (_LOAD, 0, 0, _ARGUMENTS_OFFSET + 8 * rule.argument),
        *((rule.test, count - position, 0, value) for position, value in enumerate(rule.values)),
        (_RETURN, 0, 0, REFUSE),
        (_RETURN, 0, 0, ALLOW),
    ]
