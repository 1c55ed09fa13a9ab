"""Measure `pretag run` against the plain script of `three_phase.py`, from outside."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import clips, three_phase
from bench.measuring import in_child, process_rounds
from bench.results import Target, paragraph, table
from pipeline.config.schema import Config
from pipeline.detection.model_folder import find_model_file
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from bench.measuring import Rounds

ROUNDS = 9
PRETAG, SCRIPT = "`pretag run`", "plain script"
_FILM, _FULL_HD = "80 s of 768 x 576", "30 s of 1080p"
LARGEST_RATIO = {_FILM: 0.55, _FULL_HD: 0.57}


def measure() -> tuple[str, list[Target]]:
    """Return the table and the targets."""
    by_clip = {
        "sample": _rounds(SAMPLE),
        _FILM: _rounds(in_child(clips.film)),
        _FULL_HD: _rounds(in_child(clips.full_hd)),
    }
    targets = [
        Target(f"{clip}: pretag run / plain script", by_clip[clip].ratio(PRETAG, SCRIPT), limit)
        for clip, limit in LARGEST_RATIO.items()
    ]
    return _text(by_clip), targets


def _rounds(clip: Path) -> Rounds:
    model = str(find_model_file(Config().detector.model))
    commands = {
        PRETAG: (sys.executable, "-m", "pipeline", "run", str(clip), "--out", "."),
        SCRIPT: (sys.executable, str(Path(three_phase.__file__)), str(clip), model, "."),
    }
    return process_rounds(commands, ROUNDS)


def _text(by_clip: dict[str, Rounds]) -> str:
    titles = ("clip", *(f"{name}, {unit}" for name in (PRETAG, SCRIPT) for unit in ("s", "CPU s")))
    rows = [
        (
            clip,
            *(
                f"{seconds:.2f}"
                for name in (PRETAG, SCRIPT)
                for seconds in (rounds.seconds(name), rounds.cpu_seconds(name))
            ),
            f"{rounds.ratio(PRETAG, SCRIPT):.2f}",
        )
        for clip, rounds in by_clip.items()
    ]
    text = paragraph(
        f"Whole processes, with the start of Python and all imports, in turn, medians of {ROUNDS} "
        "rounds. The script has the defaults of OpenCV, imagehash and ONNX Runtime. It detects in "
        "about as many frames, and writes no more than the images and one JSON file."
    )
    return f"### From outside\n\n{text}{table((*titles, 'ratio'), rows)}"
