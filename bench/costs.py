"""What typical videos cost on AWS: the tables of docs/cost.md.

`python -m bench.costs` writes them. Prices are those of pipeline/resources/prices.py. The inputs
are measured: CPU milliseconds by stage in handler/work_estimate.py, and what bench.cost_inputs
measures in RESULTS.md. Nothing here was run on AWS.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench import scale
from bench.cost_inputs import (
    IMAGE_BYTES,
    KEY_EACH_2_SECONDS,
    KEY_EACH_SECOND,
    NOISY_IMAGE_BYTES,
    SAMPLE_KEPT,
    measured,
)
from bench.many_uploads import COPIES_A_SECOND
from bench.scale import COLD_START_SECONDS, COPIED_BYTES_A_SECOND, JOINED_BYTES_A_SECOND
from bench.video_work import (
    ARCHIVE,
    EACH_2_SECONDS,
    EACH_SECOND,
    FETCHED_BYTES_A_SECOND,
    hours,
    sample,
)
from handler.work_estimate import DECODE, DEDUPE, DETECT, ENCODE, MEGABYTES_FOR_A_CPU
from pipeline.resources.prices import PART_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.resources.prices import Bill

PAGE = Path(__file__).parents[1] / "docs" / "cost.md"
_COLD_START = "../bench/RESULTS.md#cold-start"

SIZES = (1024, 1769, 3008, 3538)
"""Sizes of the function in the tables by size, in MB."""

MEGABYTES = 3008
"""Size of the function in the other tables: the default of template.yaml."""

HEADING = "| compute | S3 writes | S3 reads | invocations, events | all |"
RULE = "---:|---:|---:|---:|---:|"


def sample_table() -> Iterator[str]:
    """Yield the lines of the table of the sample, by size."""
    yield f"| MB | CPU s | s {HEADING} 1,000 clips |"
    yield f"|---:|---:|---:|{RULE}---:|"
    work = sample()
    for size in SIZES:
        found = work.bill(size)
        yield (
            f"| {size:,} | {work.cpu_seconds:.2f} | {work.seconds(size):.2f} "
            f"{_cells(found, 6)} ${1000 * found.total:.2f} |"
        )


def hour_table() -> Iterator[str]:
    """Yield the lines of the table of an hour of video."""
    yield f"| how | CPU s | s {HEADING}"
    yield f"|---|---:|---:|{RULE}"
    for name, work in hours().items():
        figures = f"{work.cpu_seconds:.0f} | {work.seconds(MEGABYTES):.0f}"
        yield f"| {name} | {figures} {_cells(work.bill(MEGABYTES), 4)}"


def size_table() -> Iterator[str]:
    """Yield the lines of the table of an hour of video, by size."""
    names = ("exact", EACH_SECOND, EACH_2_SECONDS)
    cases = " | ".join(f"{name}, s | all" for name in names)
    yield f"| MB | CPUs | decoder threads | {cases} | arm64, all |"
    yield f"|---:|---:|---:|{'---:|' * 7}"
    works = [hours()[f"{name}, {ARCHIVE}"] for name in names]
    arm = hours()[f"{EACH_2_SECONDS}, {ARCHIVE}, arm64"]
    for size in SIZES:
        threads = max(1, size // MEGABYTES_FOR_A_CPU)
        cells = [f"{work.seconds(size):.0f} | ${work.bill(size).total:.4f}" for work in works]
        cells.append(f"${arm.bill(size).total:.4f}")
        cpus = size / MEGABYTES_FOR_A_CPU
        yield f"| {size:,} | {cpus:.2f} | {threads} | {' | '.join(cells)} |"


def ten_hours_table() -> Iterator[str]:
    """Yield the lines of the table of a 10-hour video, divided into 60 shards."""
    yield f"| how | minutes | s of all invocations {HEADING}"
    yield f"|---|---:|---:|{RULE}"
    for name, is_archived in (
        ("exact, a file for each image", False),
        ("exact, images in one archive", True),
    ):
        function = scale.Function(MEGABYTES)
        video = scale.divided(scale.TEN_HOURS, function, 60, 60, is_archived=is_archived)
        times = f"{video.total_seconds / 60:.1f} | {video.lambda_seconds:,.0f}"
        yield f"| {name} | {times} {_cells(video.bill, 4)}"


def _cells(found: Bill, digits: int) -> str:
    values = (found.compute, found.writes, found.reads, found.calls, found.total)
    return f"| {' | '.join(f'${value:.{digits}f}' for value in values)} |"


def inputs_table() -> Iterator[str]:
    """Yield the lines of the table of the inputs."""
    yield "| letter | input | value | from |"
    yield "|---|---|---:|---|"
    stages = {"decode": DECODE, "dedupe": DEDUPE, "detect": DETECT, "encode": ENCODE}
    alone = "[each stage alone](../bench/RESULTS.md#each-stage-alone)"
    inputs = "[inputs of costs](../bench/RESULTS.md#inputs-of-costs)"
    for name, (each, for_a_megapixel) in stages.items():
        value = f"{each:g} + {for_a_megapixel:g} p"
        yield f"| {name[:3]} | CPU ms of `{name}` for a frame of p megapixels | {value} | {alone} |"
    for letter, name, value in (
        ("key1", KEY_EACH_SECOND, f"{measured(KEY_EACH_SECOND):g}"),
        ("key2", KEY_EACH_2_SECONDS, f"{measured(KEY_EACH_2_SECONDS):g}"),
        ("b", IMAGE_BYTES, f"{measured(IMAGE_BYTES):,.0f}"),
        ("b2", NOISY_IMAGE_BYTES, f"{measured(NOISY_IMAGE_BYTES):,.0f}"),
        ("k", SAMPLE_KEPT, f"{measured(SAMPLE_KEPT):g}"),
    ):
        yield f"| {letter} | {name} | {value} | {inputs} |"
    cold, copies = f"{COLD_START_SECONDS:g} s", f"{COPIES_A_SECOND:g}"
    yield f"| | cold start, with the first model run | {cold} | [cold start]({_COLD_START}) |"
    yield f"| | images that S3 copies in a second | {copies} | assumed: 8 at a time, 50 ms each |"
    fetched = f"{FETCHED_BYTES_A_SECOND:,.0f}"
    yield f"| | bytes that S3 sends to one reader in a second | {fetched} | assumed |"
    yield f"| | bytes of a part of an archive | {PART_BYTES:,} | pipeline/resources/prices.py |"
    speeds = f"{JOINED_BYTES_A_SECOND:,.0f}; {COPIED_BYTES_A_SECOND:,.0f}"
    yield f"| | bytes of archives that are joined, copied in a second | {speeds} | assumed |"


TABLES = (sample_table, hour_table, size_table, ten_hours_table, inputs_table)


def with_tables(page: str) -> str:
    """Return a page with each table, known by its first line, as it is computed now.

    Raises:
        LookupError: the page does not have a table.
    """
    for lines in map(list, (table() for table in TABLES)):
        found = re.search(rf"^{re.escape(lines[0])}\n(\|.*\n)*", page, re.MULTILINE)
        if found is None:
            raise LookupError(f"docs/cost.md has no table that begins with {lines[0]}")
        page = page[: found.start()] + "\n".join(lines) + "\n" + page[found.end() :]
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
