"""Measure how long it takes to reject hostile files, and how much memory that needs."""

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.measuring import in_child, peak_megabytes, show_progress
from bench.results import date_and_processor, run, table, verdict
from pipeline.errors import RejectedError
from tests.support import clips, hostile_files
from tests.support.decoding import decode

SLOWEST_SECONDS = 1.0
# More pixels than the limit. x264 encodes a frame of this size in 200 kB.
SIDE = 8192


class Outcome(NamedTuple):
    """How decoding a file ended, how long it took, and by how much the peak memory grew."""

    end: str
    seconds: float
    megabytes: float


def measure() -> str:
    """Measure, and return the section."""
    with tempfile.TemporaryDirectory() as folder:
        show_progress("hostile files")
        others, videos = in_child(write_files, Path(folder))
        outcomes = {name: in_child(decode_file, path) for name, path in (others | videos).items()}
    shown = {
        f"{len(others)} playlists, images, documents; the worst": worst(
            [outcomes[name] for name in others]
        ),
        **{name: outcomes[name] for name in videos},
    }
    rows = (
        (name, each.end, f"{each.seconds * 1000:.0f}", f"{each.megabytes:.0f}")
        for name, each in shown.items()
    )
    slowest = max(each.seconds for each in outcomes.values() if not each.end.startswith("decoded"))
    return (
        f"## Hostile files\n\n{date_and_processor()}. Each file is decoded in its own process; "
        "memory is the growth of its peak. "
        f"The slowest rejection took {slowest * 1000:.0f} ms (target: under "
        f"{SLOWEST_SECONDS * 1000:.0f}, {verdict(is_met=slowest < SLOWEST_SECONDS)}).\n\n"
        + table(("file", "end", "ms", "MB"), rows)
    )


def write_files(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Write the files that are not videos and the hostile videos; return their paths by name."""
    decoy, url = folder / "decoy.ts", "http://127.0.0.1:9/decoy.ts"
    others = hostile_files.other_files(decoy, url)
    videos = hostile_files.hostile_videos(folder, decoy, url) | too_large_videos(folder)
    paths: list[dict[str, Path]] = []
    for files in (others, videos):
        path_by_name = {name: folder / f"{len(paths)}_{n}" for n, name in enumerate(files)}
        for name, path in path_by_name.items():
            path.write_bytes(files[name])
        paths.append(path_by_name)
    return paths[0], paths[1]


def too_large_videos(folder: Path) -> hostile_files.Files:
    """Return videos that exceed the limit of pixels. Two of them do not show it at first."""
    large = clips.texture(1, 64, 64).repeat(SIDE // 64, axis=0).repeat(SIDE // 64, axis=1)
    mp4, ts = (
        clips.write_clip(
            folder / f"large.{suffix}", [large] * 2, options={"preset": "ultrafast"}
        ).read_bytes()
        for suffix in ("mp4", "ts")
    )
    size, small_size = SIDE.to_bytes(2) * 2, (64).to_bytes(2) * 2
    return {
        f"h264, {SIDE}x{SIDE}, mp4": mp4,
        f"h264, {SIDE}x{SIDE}, header says 64x64, mp4": mp4.replace(
            size + b"\0H", small_size + b"\0H"
        ),
        f"h264, {SIDE}x{SIDE}, ts": ts,
        f"h264, 160x96, then {SIDE}x{SIDE}, ts": hostile_files.clip(folder, "h264.ts") + ts,
    }


def decode_file(path: Path) -> Outcome:
    """Decode a file as a run does, and sample one frame a second."""
    data = path.read_bytes()
    before, started = peak_megabytes(), time.perf_counter()
    try:
        end = f"decoded, {decode(io.BytesIO(data), path.name).result.coverage.decoded} frames"
    except RejectedError as error:
        end = error.reason
    return Outcome(end, time.perf_counter() - started, peak_megabytes() - before)


def worst(outcomes: list[Outcome]) -> Outcome:
    """Return all ends, the most seconds and the most memory."""
    ends, seconds, megabytes = zip(*outcomes, strict=True)
    return Outcome(", ".join(sorted(set(ends))), max(seconds), max(megabytes))


if __name__ == "__main__":
    run(measure, __doc__ or "")
