"""How soon a hostile file is told, and what it costs in memory until then."""  # noqa: INP001 - started by bench/run

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.measuring import in_child, peak_megabytes, say
from bench.results import publish, table, when_and_where
from pipeline.errors import RejectedError
from tests.support import clips, hostile_files
from tests.support.decoding import decode

TARGET_SECONDS = 1.0
# More pixels than the limit; x264 encodes one colour of them in 200 kB.
SIDE = 8192


class Told(NamedTuple):
    """How reading a file ended, after how long, and what memory it took at its peak."""

    end: str
    seconds: float
    megabytes: float


def measured() -> str:
    """Measure, and return the report."""
    with tempfile.TemporaryDirectory() as folder:
        say("hostile files")
        texts, others = in_child(write_files, Path(folder))
        told = {name: in_child(read, path) for name, path in (texts | others).items()}
    shown = {f"{len(texts)} texts, pictures, documents; the worst": worst(told, texts)}
    shown |= {name: told[name] for name in others}
    rejected = [each.seconds for each in told.values() if not each.end.startswith("decoded")]
    verdict = "met" if max(rejected) < TARGET_SECONDS else "**missed**"
    rows = (
        (name, each.end, f"{each.seconds * 1000:.0f}", f"{each.megabytes:.0f}")
        for name, each in shown.items()
    )
    return (
        f"## Hostile files\n\n{when_and_where()}. Each in a process of its own; memory is what its "
        f"peak grew by. The slowest rejection took {max(rejected) * 1000:.0f} ms "
        f"(target: under {TARGET_SECONDS * 1000:.0f}, {verdict}).\n\n"
        + table(("file", "end", "ms", "MB"), rows)
    )


def write_files(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Write what is no video, and what starts as one does; return the paths by name."""
    decoy, url = folder / "decoy.ts", "http://127.0.0.1:9/decoy.ts"
    texts = hostile_files.other_files(decoy, url)
    others = hostile_files.hostile_videos(folder, decoy, url) | liars(folder)
    paths: list[dict[str, Path]] = []
    for files in (texts, others):
        named = {name: folder / f"{len(paths)}_{n}" for n, name in enumerate(files)}
        for name, path in named.items():
            path.write_bytes(files[name])
        paths.append(named)
    return paths[0], paths[1]


def liars(folder: Path) -> hostile_files.Files:
    """Encode pictures over the limit, and hide their size from the header or from its beginning."""
    large = clips.texture(1, 64, 64).repeat(SIDE // 64, axis=0).repeat(SIDE // 64, axis=1)
    options = {"preset": "ultrafast"}
    made = {
        suffix: clips.write_clip(folder / f"large.{suffix}", [large] * 2, options=options)
        for suffix in ("mp4", "ts")
    }
    mp4, ts = made["mp4"].read_bytes(), made["ts"].read_bytes()
    side, small = SIDE.to_bytes(2), (64).to_bytes(2)
    head = hostile_files.clip(folder, "h264.ts")
    return {
        f"h264, {SIDE}x{SIDE}, mp4": mp4,
        f"h264, {SIDE}x{SIDE} under 64x64, mp4": mp4.replace(
            side + side + b"\0H", small * 2 + b"\0H"
        ),
        f"h264, {SIDE}x{SIDE}, ts": ts,
        f"h264, 160x96, then {SIDE}x{SIDE}, ts": head + ts,
    }


def read(path: Path) -> Told:
    """Read a file as a run does, a sample a second."""
    data = path.read_bytes()
    before, began = peak_megabytes(), time.perf_counter()
    try:
        end = f"decoded, {decode(io.BytesIO(data), path.name).result.coverage.decoded} frames"
    except RejectedError as error:
        end = error.reason
    return Told(end, time.perf_counter() - began, peak_megabytes() - before)


def worst(told: dict[str, Told], names: dict[str, Path]) -> Told:
    """Return the highest of all figures."""
    each = [told[name] for name in names]
    ends = ", ".join(sorted({one.end for one in each}))
    return Told(ends, max(one.seconds for one in each), max(one.megabytes for one in each))


if __name__ == "__main__":
    publish(measured, __doc__ or "")
