"""Measure the function by size of memory: python -m bench.sweep [--stack NAME].

Without a stack, it runs the image in containers on this machine, with the CPUs and the memory of
each size. Only `--stack` sends anything to AWS, and that costs money.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import clips, results
from bench.measuring import busy_share
from bench.sweep.measure import Clip, sweep
from bench.sweep.plot import svg
from bench.sweep.report import report
from bench.sweep.sizes import SIZES, choice, sizes_for
from bench.targets import deployed_stack, require_image
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.sweep.measure import Swept

PLOT = Path(__file__).parents[2] / "docs" / "sweep.svg"
MOST_ROUNDS = 20
MOST_BUSY = 0.25
"""Share of the CPUs that other programs may use. With more, large sizes look too slow."""
_TEXT = (
    "The image in containers with the memory and the share of CPUs of each size, medians of "
    "{rounds} invocations, up to the {cpus} CPUs of this machine. S3 is an emulator on the same "
    "CPUs, so the largest sizes share theirs with it."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the report, and write the plot."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__)
    parser.add_argument("--image", default="pretag:dev", help="the image to run in containers")
    parser.add_argument("--stack", help="a deployed stack, instead of containers")
    parser.add_argument("--rounds", type=int, default=5, help="counted invocations of each size")
    parser.add_argument("--sizes", type=int, nargs="+", choices=SIZES, help="in MB")
    parser.add_argument("--plot", type=Path, help="write the SVG to this file")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md and docs/sweep.svg")
    options = parser.parse_args(arguments)
    if not 1 <= options.rounds <= MOST_ROUNDS:
        parser.error(f"--rounds must be from 1 to {MOST_ROUNDS}")
    if options.write and options.stack:
        parser.error("--write is for this machine: a deployed stack has its own figures")
    if options.stack:
        sizes = tuple(options.sizes or SIZES)
        title, text = f"Sweep, {options.stack}", "Billed seconds of versions of a deployed stack."
        with deployed_stack(options.stack):
            swept = sweep_stack(options.stack, sizes, options.rounds)
    else:
        cpus = os.cpu_count() or 1
        fitting = sizes_for(cpus)
        sizes = tuple(size for size in options.sizes or fitting if size in fitting)
        if not sizes:
            parser.error(f"this machine has {cpus} CPUs: at most {max(fitting):,} MB")
        for size in sorted({*(options.sizes or ())} - {*fitting}):
            say(f"{size:,} MB left out: this machine has {cpus} CPUs, at most {max(fitting):,} MB.")
        said = _TEXT.format(rounds=options.rounds, cpus=cpus)
        title, text = "Sweep", f"{results.load_of_machine()} {said}"
        require_image(options.image)
        busy = busy_share()
        if busy > MOST_BUSY:
            raise SystemExit(
                f"Nothing was measured: other programs use {busy:.0%} of the CPUs, so large sizes "
                "would look slower than they are. Measure when the machine is idle."
            )
        swept = sweep_image(options.image, sizes, options.rounds)
    section = report(title, text, swept)
    sys.stdout.write(section)
    for path in filter(None, (options.plot, PLOT if options.write else None)):
        write_plot(path, swept)
    if options.write:
        results.write_section(section)
    return 1 if any(each.failures for each in swept) else 0


def write_plot(path: Path, swept: Sequence[Swept]) -> None:
    """Write the plot, unless no size did a clip."""
    if any(each.points for each in swept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svg(swept, choice([each.points for each in swept])))
    else:
        say(f"{path} is not written: no size did a clip.")


def say(text: str) -> None:
    """Print a line that is no part of the section."""
    sys.stderr.write(f"{text}\n")


def sweep_image(image: str, sizes: Sequence[int], rounds: int) -> list[Swept]:
    """Measure an image in containers, with an emulator of S3."""
    # Imported late: a deployed stack needs neither Docker nor the emulator.
    from bench.sweep.containers import containers_of  # noqa: PLC0415
    from tests.e2e import emulator  # noqa: PLC0415
    from tests.e2e.emulator import RESULTS, VIDEOS  # noqa: PLC0415

    files = clip_files()
    with tempfile.TemporaryDirectory() as folder, emulator.run_emulator(Path(folder)) as aws:
        for bucket in (VIDEOS, RESULTS):
            aws.make_bucket(bucket)
        found = []
        for name, path in files.items():
            aws.client("s3").upload_file(str(path), VIDEOS, path.name)
            found.append(Clip(name, f"s3://{VIDEOS}/{path.name}", clips.SAMPLE_SECONDS))
        with containers_of(image, aws, sizes) as functions:
            return sweep(functions, found, sizes, rounds)


def sweep_stack(name: str, sizes: Sequence[int], rounds: int) -> list[Swept]:
    """Measure a deployed function, by a version for each size."""
    from bench.sweep.stack import functions_and_clips  # noqa: PLC0415

    with functions_and_clips(name, sizes, clip_files(), clips.SAMPLE_SECONDS) as (functions, found):
        return sweep(functions, found, sizes, rounds)


def clip_files() -> dict[str, Path]:
    """Return the clips by name."""
    return {"sample, 768 x 576 at 10 fps": SAMPLE, "1080p at 25 fps": clips.full_hd()}


if __name__ == "__main__":
    sys.exit(main())
