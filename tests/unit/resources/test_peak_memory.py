"""The peak memory of a process."""

import resource
import subprocess
import sys
from contextlib import closing

import pytest

from pipeline.resources.peak_memory import PeakMemory

SCRIPT = """
from pipeline.resources.peak_memory import PeakMemory
memory = PeakMemory()
before = memory.kibibytes()
content = bytearray(50 * 2**20)
content[::4096] = b"x" * len(content[::4096])
del content
print(before, memory.kibibytes())
"""


def test_what_was_used_and_freed_counts() -> None:
    process = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    before, after = (int(word) for word in process.stdout.split())
    assert 45 * 1024 < after - before < 60 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell less")
def test_the_peak_of_the_process_that_started_this_one_does_not_count() -> None:
    ballast = bytearray(100 * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    with closing(PeakMemory()) as memory:
        own = memory.kibibytes()
    process = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert int(process.stdout.split()[0]) < 60 * 1024 < 100 * 1024 < own


def test_macos_tells_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    bytes_on_macos = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert PeakMemory().kibibytes() == pytest.approx(bytes_on_macos / 1024, rel=0.1)
