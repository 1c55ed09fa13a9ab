"""Measure how long FFmpeg takes to decode a clip: by its command, and by its libraries (PyAV)."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import av

from bench.measuring import timed

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measuring import Costs

FFMPEG = "`ffmpeg -f null`"
PYAV = "FFmpeg's libraries, by PyAV: decode, drop"
NOT_INSTALLED = (
    f"{FFMPEG} was not measured, because `ffmpeg` is not installed (Debian: `apt-get install "
    "ffmpeg`)."
)


def measure(clip: Path) -> Costs:
    """Decode all frames by the libraries, and by the command if it is installed."""
    costs = {PYAV: timed(lambda: _decode_by_libraries(clip))[1]}
    if is_installed():
        costs[FFMPEG] = timed(lambda: _decode_by_command(clip))[1]
    return costs


def is_installed() -> bool:
    """Tell whether the command `ffmpeg` exists."""
    return shutil.which("ffmpeg") is not None


def _decode_by_command(clip: Path) -> None:
    options = ["-nostdin", "-v", "error", "-i", str(clip), "-map", "0:v:0", "-f", "null", "-"]
    subprocess.run(["ffmpeg", *options], check=True)  # noqa: S603, S607 - from PATH


def _decode_by_libraries(clip: Path) -> None:
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            pass
