"""Measure the merge of shards: time and memory by the number of sampled frames."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from imagehash import ImageHash

from bench import results
from bench.measuring import in_child, peak_megabytes, show_progress
from pipeline.config.schema import DedupeConfig
from pipeline.coverage import Coverage
from pipeline.dataset import coco
from pipeline.dataset.csv_tables import frames_csv
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.report.figures import Subject, figures_of
from pipeline.dataset.report.html import report_html
from pipeline.decoding.key_frame import VideoFacts
from pipeline.deduplication.fingerprint import AREA_MEANS, Fingerprint
from pipeline.frame import Detections, Display, DuplicateMatch, FrameRecord, Track
from pipeline.runlog import RunLog
from pipeline.sharding.merge import ShardMerge
from pipeline.sharding.plan import Plan, Shard
from pipeline.sharding.shard_result import ShardResult
from pipeline.storage.written_file import WrittenFile

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAMES_A_SHARD = 10_000
_OBJECTS = 5
# Every so many kept frames show a scene that a shard before has, too.
_REPEATED = 8
_TEXTURED, _WEAK = 8.0, 3.0


class _Footage(NamedTuple):
    """Made-up frames.

    Attributes:
        sampled: number of sampled frames.
        frames_a_kept: of so many, the segments keep the first.
        texture: strength of their texture.
    """

    sampled: int
    frames_a_kept: int = 10
    texture: float = _TEXTURED

    def __str__(self) -> str:
        kept = "all kept" if self.frames_a_kept == 1 else f"one of {self.frames_a_kept} kept"
        return f"{kept}, little texture" if self.texture == _WEAK else kept


FOOTAGE = (
    _Footage(10_000),
    _Footage(100_000),
    _Footage(1_000_000),
    _Footage(10_000, 1),
    _Footage(100_000, 1),
    _Footage(100_000, 10, _WEAK),
    _Footage(200_000, 10, _WEAK),
)


class _Merged(NamedTuple):
    kept: int
    bytes_in: int
    seconds: float
    write_seconds: float
    megabytes: float


def main() -> None:
    """Print the table, and write it with `--write`."""
    results.run(_section, "Measure the merge of shards.")


def _section() -> str:
    rows = []
    for footage in FOOTAGE:
        show_progress(f"merge of {footage.sampled} frames, {footage}")
        merged = in_child(_merge, footage)
        rows.append((
            str(footage), f"{footage.sampled:,}", f"{merged.kept:,}",
            f"{merged.bytes_in / 1e6:.1f}", f"{merged.seconds:.1f}",
            f"{1e6 * merged.seconds / footage.sampled:.0f}",
            f"{merged.write_seconds:.1f}", f"{merged.megabytes:.0f}",
        ))  # fmt: skip
    titles = (
        "frames", "sampled", "kept", "results, MB", "merge, CPU s", "µs a sampled frame",
        "files, CPU s", "peak, MB",
    )  # fmt: skip
    text = (
        f"{results.date_and_processor()}. The segments keep some of the "
        "sampled frames, with 5 objects each, and an eighth of these is a duplicate across "
        "segments. `merge` reads the results of shards from their bytes and compares; "
        "`files` makes the COCO files, frames.csv and report.html."
    )
    return f"## The merge of shards\n\n{results.paragraph(text)}{results.table(titles, rows)}"


def _merge(footage: _Footage) -> _Merged:
    """Merge made-up results of shards with so many sampled frames in all."""
    config = DedupeConfig()
    sampled = footage.sampled
    shards = sampled // _FRAMES_A_SHARD
    facts = VideoFacts(
        30 * sampled, Fraction(0), 0.0, sampled, Display(1920, 1080), "1:1", Track(), 1920, 1080, 30
    )
    plan = Plan(facts, tuple(Shard(number, number, None) for number in range(shards)))
    dataset, log = Dataset("clip", None, ("object",) * 80, "phash"), RunLog()
    merge = ShardMerge(plan, config, dataset, log)
    seconds, bytes_in = 0.0, 0
    for data in _results(shards, footage):
        bytes_in += len(data)
        started = time.thread_time()
        merge.add(ShardResult.from_bytes(data))
        seconds += time.thread_time() - started
    merge.finish()
    started = time.thread_time()
    _write(dataset, log)
    written = time.thread_time() - started
    return _Merged(len(merge.images), bytes_in, seconds, written, peak_megabytes())


def _write(dataset: Dataset, log: RunLog) -> None:
    """Make the files that have data of each frame, one after the other."""
    coco.instances(dataset)
    coco.predictions(dataset)
    frames_csv(dataset)
    settings = {"config": {}, "model": {"name": "made-up"}, "versions": {}}
    subject = Subject("0123456789abcdef", "clip.mp4", 1000.0, settings, None, None)
    report_html(figures_of(dataset, log.finished(), subject), dataset)


def _results(shards: int, footage: _Footage) -> Iterator[bytes]:
    rng = np.random.default_rng(1)
    known: list[Fingerprint] = []
    for number in range(shards):
        yield _result(number, footage, rng, known).to_bytes()


def _result(
    number: int, footage: _Footage, rng: np.random.Generator, known: list[Fingerprint]
) -> ShardResult:
    records: list[FrameRecord] = []
    fingerprints: list[Fingerprint] = []
    for index in range(number * _FRAMES_A_SHARD, (number + 1) * _FRAMES_A_SHARD):
        is_kept = index % footage.frames_a_kept == 0
        if is_kept:
            is_repeated = known and len(fingerprints) % _REPEATED == 0
            each = (
                known[rng.integers(len(known))]
                if is_repeated
                else _fingerprint(footage.texture, rng)
            )
            known += [each] * (len(known) < _FRAMES_A_SHARD and not is_repeated)
            fingerprints.append(each)
        kept_index = index - index % footage.frames_a_kept
        records.append(
            FrameRecord(
                index=30 * index,
                pts_ms=1000.0 * index,
                segment=number,
                width=1920,
                height=1080,
                hash=str(fingerprints[-1].hash),
                duplicate=None if is_kept else DuplicateMatch(30 * kept_index, 2, "duplicate"),
                detections=_objects(rng) if is_kept else _objects(rng, 0),
            )
        )
    return ShardResult(
        number=number,
        records=FrameTable.of(records),
        fingerprints=tuple(fingerprints),
        images=tuple(WrittenFile.of(each.image_path, b"") for each in records if each.is_kept),
        coverage=Coverage(30 * len(records)),
        duration_ms=records[-1].pts_ms,
        stages=(),
    )


def _fingerprint(texture: float, rng: np.random.Generator) -> Fingerprint:
    means = rng.integers(60, 180, AREA_MEANS, dtype=np.uint8)
    bits = rng.integers(0, 2, (8, 8)).astype(np.bool_)
    detail = rng.integers(60, 180, (45, 80), dtype=np.uint8)
    return Fingerprint(ImageHash(bits), means, texture, round(float(means[:64].mean())), detail)


def _objects(rng: np.random.Generator, count: int = _OBJECTS) -> Detections:
    return Detections(
        np.sort(rng.random((count, 2, 2), np.float32) * 1000, axis=1).reshape(count, 4),
        rng.random(count, np.float32),
        rng.integers(0, 80, count),
    )


if __name__ == "__main__":
    main()
