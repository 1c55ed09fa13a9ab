"""Decode mutants in a process that a test can lose: a crash or a hang ends only that process.

With pretag, that process is the parent, which must not end. The decoder has a process of its own,
and several mutants are decoded at a time.

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import av

from pipeline.config.schema import Config
from pipeline.decoding.backend import BackendName
from pipeline.decoding.process import launching
from pipeline.decoding.process.decoder_process import DecoderProcess
from pipeline.decoding.process.launching import Child
from pipeline.errors import RejectedError
from pipeline.resources.budget import Budget
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from tests.support import clips
from tests.support.decoding import drained
from tests.support.forked_children import Nurseries
from tests.support.mutants import make_mutant

Result = tuple[str, int, int]
"""How decoding ended, the number of decoded frames, and the number of lost frames."""

DEADLINE_SECONDS = 30.0
# That of the template.
_CAPACITY = Capacity(megabytes=3008, seconds=900)
_AT_A_TIME = 2
REASONS = {
    "decoder_crashed",
    "empty",
    "encrypted",
    "init_segment",
    "interlaced",
    "media_segment",
    "no_decodable_frame",
    "no_video_stream",
    "not_a_video",
    "stalled",
    "too_large",
    "too_large_for_function",
    "too_long",
    "too_many_streams",
    "too_much_memory",
    "codec_not_allowed",
    "unconvertible",
    "truncated",
}
"""The reasons for which a mutant may be rejected."""


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


def decode_with_pretag(data: bytes, backend: BackendName) -> Result:
    """Decode as a run does, in a process of its own, and sample one frame a second."""
    config, budget = Config(), Budget(Deadline.never(), _CAPACITY)
    limits = config.limits
    with DecoderProcess(
        Child(backend), io.BytesIO(data), "mutant", limits, threads=1, budget=budget
    ) as video:
        try:
            coverage = drained(video, config).result.coverage
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


def outcomes(decoder: str, folder: Path, seeds: range) -> Iterator[Outcome]:
    """Decode mutants, and yield the outcome of each in order."""
    if decoder == "pyav":
        yield from (timed(decode_with_pyav, folder, seed) for seed in seeds)
        return
    backend: BackendName = "pyav" if decoder == "pretag-pyav" else "opencv"
    with (
        Nurseries() as nurseries,
        patch.object(launching, "launch", nurseries.launch),
        ThreadPoolExecutor(_AT_A_TIME) as executor,
    ):
        decode = partial(decode_with_pretag, backend=backend)
        yield from executor.map(partial(timed, decode, folder), seeds)


def timed(decode: Callable[[bytes], Result], folder: Path, seed: int) -> Outcome:
    """Decode the mutant of a seed."""
    data = make_mutant(folder, seed).data
    started = time.perf_counter()
    end, frames, lost = decode(data)
    return Outcome(seed, end, frames, lost, round(time.perf_counter() - started, 3))


def main(folder: Path, decoder: str, seeds: range) -> None:
    """Decode mutants, and print the outcome of each."""
    for outcome in outcomes(decoder, folder, seeds):
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], range(int(sys.argv[3]), int(sys.argv[4])))
