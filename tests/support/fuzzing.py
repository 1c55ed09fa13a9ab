"""Reads mutants in a child process: its crash or hang is an outcome, not the end of the run.

Started as a program it is that child: `FOLDER READER FIRST LAST`, one JSON line a mutant.
"""

import io
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import av

from pipeline.errors import RejectedError
from tests.support import clips
from tests.support.corruption import mutant
from tests.support.decoding import decode

Read = tuple[str, int, int]
"""How it ended, the frames decoded, and those known to be lost."""

DEADLINE_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """How reading a mutant ended.

    Attributes:
        end: `done`, a reason of rejection, `crashed ...` or `hung`.
        frames: decoded.
        lost: frames said to be missing.
    """

    seed: int
    end: str
    frames: int = 0
    lost: int = 0
    seconds: float = 0.0


def reading(folder: Path, reader: str) -> list[str]:
    """Return the command that reads mutants; the first seed, and the one past the last, follow."""
    return [sys.executable, "-m", "tests.support.fuzzing", str(folder), reader]


def outcomes(
    command: Sequence[str], seeds: range, deadline: float = DEADLINE_SECONDS
) -> list[Outcome]:
    """Have mutants read; a culprit's successors get a new child."""
    found: list[Outcome] = []
    while len(found) < len(seeds):
        found += _of_one_child(command, seeds[len(found) :], deadline)
    return found


def _of_one_child(command: Sequence[str], seeds: range, deadline: float) -> list[Outcome]:
    found: list[Outcome] = []
    started = [*command, str(seeds.start), str(seeds.stop)]
    with subprocess.Popen(started, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        rest = b""
        while len(found) < len(seeds):
            if not select.select([child.stdout], [], [], deadline)[0]:
                child.kill()
                return [*found, Outcome(seeds[len(found)], "hung", seconds=deadline)]
            data = os.read(child.stdout.fileno(), 65536)
            if not data:
                return [*found, Outcome(seeds[len(found)], f"crashed with {child.wait()}")]
            *lines, rest = (rest + data).split(b"\n")
            found += [Outcome(**json.loads(line)) for line in lines]
    return found


def read_with_pretag(data: bytes) -> Read:
    """Read as a run does, a sample a second."""
    try:
        coverage = decode(io.BytesIO(data), "mutant").result.coverage
    except RejectedError as error:
        return error.reason, 0, 0
    return "done", coverage.decoded, coverage.lost


def read_with_pyav(data: bytes) -> Read:
    """Read with FFmpeg itself: what fails, packet or frame, is passed over."""
    frames = 0
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="ignore") as container:
            for _ in clips.decoded_frames(container):
                frames += 1
    except (av.error.FFmpegError, IndexError):  # it does not open, or has no video
        pass
    return "done" if frames else "no frames", frames, 0


READERS: dict[str, Callable[[bytes], Read]] = {
    "pretag": read_with_pretag,
    "pyav": read_with_pyav,
}


def main(folder: Path, reader: str, seeds: range) -> None:
    """Read mutants one by one, and print how each ended."""
    for seed in seeds:
        began = time.perf_counter()
        end, frames, lost = READERS[reader](mutant(folder, seed).data)
        seconds = round(time.perf_counter() - began, 3)
        sys.stdout.write(json.dumps(asdict(Outcome(seed, end, frames, lost, seconds))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], range(int(sys.argv[3]), int(sys.argv[4])))
