"""What typical videos cost on AWS: the tables of docs/cost.md.

`python -m bench.costs` writes them. Prices are those of pipeline/resources/prices.py. The inputs
are measured: seconds by size of memory and what bench.cost_inputs measures in RESULTS.md, CPU
milliseconds by stage in handler/work_estimate.py. Nothing here was run on AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import results, scale
from bench.cost_inputs import IMAGE_BYTES, KEY_FRAME, SAMPLE_KEPT, measured
from bench.many_uploads import COPIES_A_SECOND, ONE_HOUR
from bench.scale import COLD_START_SECONDS, COPIED_BYTES_A_SECOND, JOINED_BYTES_A_SECOND
from handler.work_estimate import DECODE, DEDUPE, DETECT, ENCODE
from pipeline.resources.prices import PART_BYTES, Rates, bill
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.resources.prices import Bill

PAGE = Path(__file__).parents[1] / "docs" / "cost.md"
_COLD_START = "../bench/RESULTS.md#cold-start"

MEGABYTES = 3008
"""Size of the function in the tables of an hour and of ten hours."""

HEADING = "| compute | S3 writes | S3 reads | invocations, events | all |"
RULE = "---:|---:|---:|---:|---:|"


@dataclass(frozen=True)
class Hour:
    """An hour of 1080p30, sampled once a second, all kept: 3,600 images.

    Attributes:
        name: for the table.
        key_frames: whether only key frames are decoded; there is one each second.
        images: how they are written: a file each, in one archive, or not at all.
        is_arm: whether the function runs on arm64.
    """

    name: str
    key_frames: bool = False
    images: str = "files"
    is_arm: bool = False

    @property
    def video(self) -> scale.Video:
        """The video."""
        return ONE_HOUR

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all stages."""
        if not self.key_frames:
            total = self.video.cpu_seconds
        else:
            stages = (DEDUPE, DETECT, ENCODE)
            each = sum(a + b * self.video.megapixels for a, b in stages)
            total = self.video.samples * (measured(KEY_FRAME) + each) / 1000
        encoded = ENCODE[0] + ENCODE[1] * self.video.megapixels
        return total if self.images != "none" else total - self.video.kept * encoded / 1000

    @property
    def seconds(self) -> float:
        """Seconds of the invocation: cold start, work, and the copies of the images."""
        copies = {
            "files": self.video.kept / COPIES_A_SECOND,
            "archive": self.video.image_bytes / COPIED_BYTES_A_SECOND,
            "none": 0.0,
        }
        cpus = scale.Function(MEGABYTES).cpus
        return COLD_START_SECONDS + self.cpu_seconds / cpus + copies[self.images]

    @property
    def bill(self) -> Bill:
        """What it costs."""
        return bill(
            Rates(MEGABYTES, is_arm=self.is_arm),
            work_seconds=self.seconds,
            frames=self.video.kept if self.images == "files" else 0,
            size_bytes=self.video.size_bytes,
            archive_bytes=self.video.image_bytes if self.images == "archive" else None,
        )


HOURS = (
    Hour("exact, a file for each image"),
    Hour("exact, images in one archive", images="archive"),
    Hour("exact, no images", images="none"),
    Hour("key frames, a file for each image", key_frames=True),
    Hour("key frames, images in one archive", key_frames=True, images="archive"),
    Hour("the same on arm64", key_frames=True, images="archive", is_arm=True),
    Hour("key frames, no images", key_frames=True, images="none"),
)


def sample_seconds() -> dict[int, float]:
    """Return the seconds of a warm invocation for the sample by size, of RESULTS.md."""
    section = results.FILE.read_text().partition("\n## Sweep\n")[2].partition("\n## ")[0]
    table = section.partition("### sample")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([0-9,]+) \| [0-9.]+ \| ([0-9.]+) \|", table, re.MULTILINE)
    return {int(size.replace(",", "")): float(seconds) for size, seconds in rows}


def sample_table() -> Iterator[str]:
    """Yield the lines of the table of the sample, by size."""
    yield f"| MB | s {HEADING} 1,000 clips |"
    yield f"|---:|---:|{RULE}---:|"
    for megabytes, seconds in sample_seconds().items():
        found = bill(
            Rates(megabytes),
            work_seconds=seconds,
            frames=measured(SAMPLE_KEPT),
            size_bytes=SAMPLE.stat().st_size,
        )
        yield f"| {megabytes:,} | {seconds:.2f} {_cells(found, 6)} ${1000 * found.total:.2f} |"


def hour_table() -> Iterator[str]:
    """Yield the lines of the table of an hour of video."""
    yield f"| how | CPU s | s {HEADING}"
    yield f"|---|---:|---:|{RULE}"
    for each in HOURS:
        figures = f"{each.cpu_seconds:.0f} | {each.seconds:.0f}"
        yield f"| {each.name} | {figures} {_cells(each.bill, 4)}"


def ten_hours_table() -> Iterator[str]:
    """Yield the lines of the table of a 10-hour video, divided into 60 shards."""
    yield f"| how | minutes | s of all invocations {HEADING}"
    yield f"|---|---:|---:|{RULE}"
    for name, is_archived in (
        ("exact, a file for each image", False),
        ("exact, images in one archive", True),
    ):
        function = scale.Function(MEGABYTES)
        course = scale.divided(scale.TEN_HOURS, function, 60, 60, is_archived=is_archived)
        times = f"{course.total_seconds / 60:.1f} | {course.lambda_seconds:,.0f}"
        yield f"| {name} | {times} {_cells(course.bill, 4)}"


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
        ("key", KEY_FRAME, f"{measured(KEY_FRAME):g}"),
        ("b", IMAGE_BYTES, f"{measured(IMAGE_BYTES):,.0f}"),
        ("k", SAMPLE_KEPT, f"{measured(SAMPLE_KEPT):g}"),
    ):
        yield f"| {letter} | {name} | {value} | {inputs} |"
    cold, copies = f"{COLD_START_SECONDS:g} s", f"{COPIES_A_SECOND:g}"
    yield f"| | cold start, with the first model run | {cold} | [cold start]({_COLD_START}) |"
    yield f"| | images that S3 copies in a second | {copies} | assumed: 8 at a time, 50 ms each |"
    yield f"| | bytes of a part of an archive | {PART_BYTES:,} | pipeline/resources/prices.py |"
    speeds = f"{JOINED_BYTES_A_SECOND:,.0f}, {COPIED_BYTES_A_SECOND:,.0f}"
    yield f"| | bytes of archives that are joined, copied in a second | {speeds} | assumed |"


TABLES = (sample_table, hour_table, ten_hours_table, inputs_table)


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
