"""How many frames come out of damaged clips, against what FFmpeg's libraries recover."""  # noqa: INP001 - used by bench.pipeline

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from bench import clips, stages
from bench.measuring import in_child, say
from bench.results import Target, table
from pipeline.config.schema import Config

if TYPE_CHECKING:
    from pathlib import Path

LEAST = 0.99
DAMAGES = ("missing_ranges", "cut off")
CONTAINERS = ("mp4", "mkv", "ts")


def measured() -> tuple[str, list[Target]]:
    """Return the table, and what was aimed at."""
    say("damaged clips")
    rows, shares = [], []
    for container in CONTAINERS:
        for damage in DAMAGES:
            clip = in_child(clips.damaged, damage, container)
            decoded, recovered = in_child(_decoded, clip), in_child(_recovered, clip)
            shares.append(decoded / recovered)
            rows.append((f"{container}, {damage}", f"{recovered}", f"{decoded}"))
    what = "damaged clips: frames decoded / frames that PyAV recovers, the least"
    return (
        "### Damaged clips\n\nThe sample, with four holes of 2,000 zeros or its last third cut "
        "off: frames decoded.\n\n" + table(("", "FFmpeg's libraries, by PyAV", "pretag"), rows),
        [Target(what, min(shares), LEAST, is_least=True)],
    )


def _decoded(clip: Path) -> int:
    return stages.decode(clip, Config()).stage("decode").items_in


def _recovered(clip: Path) -> int:
    frames = 0
    with av.open(str(clip)) as container:
        for packet in container.demux(video=0):
            try:
                frames += len(packet.decode())
            except av.error.InvalidDataError:  # this packet's; the next one may do
                continue
    return frames
