"""What decoding a clip costs without pretag: FFmpeg's command, and its libraries by PyAV."""  # noqa: INP001 - used by bench.pipeline

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
MISSING = (
    f"{FFMPEG} was not measured: there is no `ffmpeg` here (Debian: `apt-get install ffmpeg`)."
)


def costs(clip: Path) -> Costs:
    """Decode all frames and drop them; with FFmpeg's command only if it is installed."""
    decoded = {PYAV: timed(lambda: _by_libraries(clip))[1]}
    if is_installed():
        decoded[FFMPEG] = timed(lambda: _by_command(clip))[1]
    return decoded


def is_installed() -> bool:
    """Tell whether there is an `ffmpeg` to start."""
    return shutil.which("ffmpeg") is not None


def _by_command(clip: Path) -> None:
    options = ["-nostdin", "-v", "error", "-i", str(clip), "-map", "0:v:0", "-f", "null", "-"]
    subprocess.run(["ffmpeg", *options], check=True)  # noqa: S603, S607 - the user's own


def _by_libraries(clip: Path) -> None:
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            pass
