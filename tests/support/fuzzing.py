"""Decode mutants in a child process, so that a crash or a hang ends only that process.

This module is also the program of the child process. Its arguments are `FOLDER DECODER FIRST LAST`,
and it prints one JSON line for each mutant.
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
from tests.support.decoding import decode
from tests.support.mutants import make_mutant

Result = tuple[str, int, int]
"""How decoding ended, the number of decoded frames, and the number of lost frames."""

DEADLINE_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """How decoding a mutant ended.

    Attributes:
        seed: the seed of the mutant.
        end: `done`, a reason code of a rejection, `crashed ...` or `hung`.
        frames: number of decoded frames.
        lost: number of frames in missing ranges.
        seconds: how long it took.
    """

    seed: int
    end: str
    frames: int = 0
    lost: int = 0
    seconds: float = 0.0


def child_command(folder: Path, decoder: str) -> list[str]:
    """Return the command of the child process, without the two seeds."""
    return [sys.executable, "-m", "tests.support.fuzzing", str(folder), decoder]


def decode_mutants(
    command: Sequence[str], seeds: range, deadline: float = DEADLINE_SECONDS
) -> list[Outcome]:
    """Decode the mutants of some seeds. After a crash or a hang, a new child process continues.

    Args:
        command: the command of the child process; it gets the first seed and the end of the seeds.
        seeds: the seeds.
        deadline: seconds without an outcome after which the child process is killed.
    """
    outcomes: list[Outcome] = []
    while len(outcomes) < len(seeds):
        outcomes += _decode_in_child(command, seeds[len(outcomes) :], deadline)
    return outcomes


def _decode_in_child(command: Sequence[str], seeds: range, deadline: float) -> list[Outcome]:
    """Return the outcomes up to the first crash or hang."""
    outcomes: list[Outcome] = []
    with_seeds = [*command, str(seeds.start), str(seeds.stop)]
    with subprocess.Popen(
        with_seeds, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        assert child.stdout is not None
        rest = b""
        while len(outcomes) < len(seeds):
            if not select.select([child.stdout], [], [], deadline)[0]:
                child.kill()
                return [*outcomes, Outcome(seeds[len(outcomes)], "hung", seconds=deadline)]
            data = os.read(child.stdout.fileno(), 65536)
            if not data:
                return [*outcomes, Outcome(seeds[len(outcomes)], f"crashed with {child.wait()}")]
            *lines, rest = (rest + data).split(b"\n")
            outcomes += [Outcome(**json.loads(line)) for line in lines]
    return outcomes


def decode_with_pretag(data: bytes) -> Result:
    """Decode as a run does, and sample one frame a second."""
    try:
        coverage = decode(io.BytesIO(data), "mutant").result.coverage
    except RejectedError as error:
        return error.reason, 0, 0
    return "done", coverage.decoded, coverage.lost


def decode_with_pyav(data: bytes) -> Result:
    """Decode with PyAV, which is FFmpeg itself. Packets and frames that fail are skipped."""
    frames = 0
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="ignore") as container:
            for _ in clips.decoded_frames(container):
                frames += 1
    except (av.error.FFmpegError, IndexError):  # it does not open, or has no video stream
        pass
    return "done" if frames else "no frames", frames, 0


DECODERS: dict[str, Callable[[bytes], Result]] = {
    "pretag": decode_with_pretag,
    "pyav": decode_with_pyav,
}


def main(folder: Path, decoder: str, seeds: range) -> None:
    """Decode mutants one by one, and print the outcome of each."""
    for seed in seeds:
        started = time.perf_counter()
        end, frames, lost = DECODERS[decoder](make_mutant(folder, seed).data)
        seconds = round(time.perf_counter() - started, 3)
        sys.stdout.write(json.dumps(asdict(Outcome(seed, end, frames, lost, seconds))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], range(int(sys.argv[3]), int(sys.argv[4])))
