"""Count the frames that are decoded from damaged clips, and those that FFmpeg decodes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import clips, stages
from bench.measuring import in_child, show_progress
from bench.results import Target, table
from pipeline.config.schema import Config
from tests.support.fuzzing import decode_with_pyav

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST_SHARE = 0.99
DAMAGES = ("missing ranges", "cut off")
CONTAINERS = ("mp4", "mkv", "ts")


def measure() -> tuple[str, list[Target]]:
    """Return the table and the targets."""
    show_progress("damaged clips")
    rows, shares = [], []
    for container in CONTAINERS:
        for damage in DAMAGES:
            clip = in_child(clips.damaged, damage, container)
            ours, ffmpegs = in_child(_frames_of_pretag, clip), in_child(_frames_of_ffmpeg, clip)
            shares.append(ours / ffmpegs)
            rows.append((f"{container}, {damage}", f"{ffmpegs}", f"{ours}"))
    name = "damaged clips: frames decoded / frames that PyAV decodes, the smallest"
    return (
        "### Damaged clips\n\nThe sample with four ranges of 2,000 zeros, or with its last third "
        "cut off: number of decoded frames.\n\n"
        + table(("", "FFmpeg's libraries, by PyAV", "pretag"), rows),
        [Target(name, min(shares), SMALLEST_SHARE, is_minimum=True)],
    )


def _frames_of_pretag(clip: Path) -> int:
    return stages.decode(clip, Config()).stage("decode").items_in


def _frames_of_ffmpeg(clip: Path) -> int:
    _, frames, _ = decode_with_pyav(clip.read_bytes())
    return frames
