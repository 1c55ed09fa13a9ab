"""`pretag run`: write a dataset for each of one or more videos."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.cli import FAILED, REJECTED
from pipeline.cli.local_path import LocalPath
from pipeline.cli.terminal import console
from pipeline.concurrency.cpus import available_cpus
from pipeline.config import layers
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import InputFileError
from pipeline.run import annotate
from pipeline.run_in_shards import annotate_in_shards
from pipeline.runlog import STAGE_UNITS
from pipeline.storage.local import FolderStore, LocalVideo
from pipeline.storage.paths import check_output_folder
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config.schema import Config
    from pipeline.outcome import Outcome
    from pipeline.run import Progress as OnProgress
    from pipeline.runlog import RunLog


@click.command("run")
@click.argument(
    "videos", metavar="VIDEO...", nargs=-1, required=True, type=LocalPath(LocalVideo.check)
)
@click.option(
    "--out", required=True, type=LocalPath(check_output_folder),
    help="Folder for the results: OUT/<video file name>/<run id>/.",
)  # fmt: skip
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path),
    help="Config file: YAML, TOML or JSON. `pretag config` prints one with all defaults.",
)  # fmt: skip
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE",
    help="Set one config key, such as sampling.every_seconds=0.5. May be repeated.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, metavar="N",
    help="Processes that work on parts of one long video at a time. The result is the same.",
)  # fmt: skip
@click.option(
    "--json", "as_json", is_flag=True,
    help="Print one JSON object for each video instead of tables.",
)  # fmt: skip
def run_videos(  # noqa: PLR0913, PLR0917 - click passes each option as an argument
    videos: tuple[Path, ...],
    out: Path,
    config_file: Path | None,
    assignments: tuple[str, ...],
    jobs: int,
    as_json: bool,  # noqa: FBT001 - click passes flags as positional arguments
) -> int:
    """Annotate each VIDEO, and write its dataset into the folder OUT."""
    config = _effective_config(config_file, assignments)
    prepare_decoder()  # it starts while the model is loaded
    model = Model.load(
        config.detector.model, config.detector.providers, config.detector.max_megabytes
    )
    Detector(model, config.detector)  # raises an error that holds for all videos
    code = 0
    for video in videos:
        try:
            source = LocalVideo.at(video)
        except InputFileError as error:  # the other videos may be readable
            click.echo(f"pretag: {printable(str(error))}", err=True)
            code = FAILED
            continue
        with _progress_bar(source.name) as on_progress:
            outcome = _annotate(source, out, config, model, jobs, on_progress)
        if outcome.status == "rejected":
            code = code or REJECTED
        _print_json(outcome) if as_json else _print_summary(outcome)
    return code


def _effective_config(file: Path | None, assignments: tuple[str, ...]) -> Config:
    config_layers = []
    file = file or _file_from_environment()
    if file is not None:
        config_layers.append(layers.read_file_layer(file))
    config_layers.append(layers.environment_layer(os.environ))
    config_layers.append(layers.assignments_layer("--set", assignments))
    return layers.merge(*config_layers)


def _file_from_environment() -> Path | None:
    name = os.environ.get(layers.FILE_VARIABLE)
    return Path(name) if name else None


def _annotate(  # noqa: PLR0913, PLR0917 - what is annotated, how, and where the result goes
    source: LocalVideo, out: Path, config: Config, model: Model, jobs: int, on_progress: OnProgress
) -> Outcome:
    detector = Detector(model, config.detector)

    def open_store(run_id: str) -> FolderStore:
        return FolderStore(out, source.name, run_id)

    if jobs > 1:
        return annotate_in_shards(
            source, config, detector, open_store, processes=jobs, on_progress=on_progress
        )
    return annotate(
        source, config, detector, open_store, cpus=available_cpus(), on_progress=on_progress
    )


@contextmanager
def _progress_bar(name: str) -> Iterator[OnProgress]:
    """Show a progress bar on standard error, if that is a terminal.

    The length of the video is from its header, which may be wrong. So the bar also shows the
    seconds of video that are done.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f} s of video"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task(printable(name), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _print_summary(outcome: Outcome) -> None:
    if outcome.status == "rejected":
        click.echo(f"pretag: rejected: {printable(str(outcome.message))}", err=True)
        return
    console().print(_stage_table(outcome.log))
    counts = outcome.log.counts()
    click.echo(
        f"{printable(outcome.video)}: {counts['frames_sampled']} frames sampled, "
        f"{counts['frames_kept']} kept, {counts['detections']} objects detected."
    )
    coverage = outcome.log.coverage
    if coverage.lost:
        click.echo(
            f"{coverage.lost} frames ({coverage.seconds_lost:.1f} s) are missing. "
            "report.md lists the gaps."
        )
    for warning in outcome.log.warnings:
        click.echo(f"pretag: warning: {printable(warning)}", err=True)
    click.echo(f"Dataset: {printable(str(outcome.result))}")


def _print_json(outcome: Outcome) -> None:
    click.echo(json.dumps(outcome.summary(), ensure_ascii=False))


def _stage_table(log: RunLog) -> Table:
    """Return a table with a row for each stage and one for the total."""
    table = Table()
    table.add_column("stage")
    for name in ("in", "out", "failed", "seconds", "in/s"):
        table.add_column(name, justify="right")
    for stage in log.stages.values():
        unit_in, unit_out = STAGE_UNITS[stage.name]
        table.add_row(
            stage.name,
            f"{stage.items_in} {unit_in}",
            f"{stage.items_out} {unit_out}",
            str(stage.failed),
            f"{stage.seconds:.3f}",
            f"{stage.items_per_second:.1f}",
        )
    table.add_section()
    table.add_row("total", "", "", "", f"{log.total_seconds:.3f}", "")
    return table
