"""`pretag run`: one or more videos into a folder."""

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

from pipeline.cli.stage_table import stage_table
from pipeline.concurrency.cpus import available_cpus
from pipeline.config import layers
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import ConfigError, InputFileError, RejectedError
from pipeline.outcome import Outcome
from pipeline.run import annotate
from pipeline.runlog import RunLog
from pipeline.storage.local import FolderSink, LocalVideo
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config.schema import Config
    from pipeline.run import Progress as OnProgress

_BROKEN_EXIT, _REJECTED_EXIT = 1, 3


@click.command("run")
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True, type=Path)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the results: OUT/<video file name>/<run id>/.",
)  # fmt: skip
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path),
    help="YAML, TOML or JSON file; `pretag config` prints one to start from.",
)  # fmt: skip
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE",
    help="Set one config key, such as sampling.every_seconds=0.5.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a video on standard output.")
def run_videos(
    videos: tuple[Path, ...],
    out: Path,
    config_file: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - click passes its flags so
) -> int:
    """Annotate each VIDEO and write its dataset below OUT."""
    config = _effective_config(config_file, assignments)
    model = Model.load(
        config.detector.model, config.detector.providers, config.detector.max_megabytes
    )
    Detector(model, config.detector)  # what is wrong with it is wrong with every video
    code = 0
    for video in videos:
        try:
            source = LocalVideo.at(video)
        except RejectedError as error:
            outcome = Outcome.rejected(path_text(video), error, RunLog())
        except InputFileError as error:  # the other videos may be readable
            click.echo(f"pretag: {error}", err=True)
            code = _BROKEN_EXIT
            continue
        else:
            with _progress_bar(source.name) as on_progress:
                outcome = _annotate(source, out, config, model, on_progress)
        if outcome.status == "rejected":
            code = code or _REJECTED_EXIT
        _show_json(outcome) if as_json else _show(outcome)
    return code


def _effective_config(file: Path | None, assignments: tuple[str, ...]) -> Config:
    wanted = []
    file = file or _file_of_environment()
    if file is not None:
        wanted.append(layers.file_layer(str(file), _read(file)))
    wanted.append(layers.environment_layer(os.environ))
    wanted.append(layers.assignments_layer("--set", assignments))
    return layers.merge(*wanted)


def _file_of_environment() -> Path | None:
    name = os.environ.get(layers.FILE_VARIABLE)
    return Path(name) if name else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")  # editors on Windows write a mark first
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"Config file {file} cannot be read: {why}.") from error


def _annotate(
    source: LocalVideo, out: Path, config: Config, model: Model, on_progress: OnProgress
) -> Outcome:
    return annotate(
        source,
        config,
        Detector(model, config.detector),
        lambda run_id: FolderSink(out, source.name, run_id),
        cpus=available_cpus(),
        on_progress=on_progress,
    )


@contextmanager
def _progress_bar(name: str) -> Iterator[OnProgress]:
    """Show a bar on standard error, if that is a terminal; the header's length may be a lie."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} s of video"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _show(outcome: Outcome) -> None:
    if outcome.status == "rejected":
        click.echo(f"pretag: rejected: {outcome.message}", err=True)
        return
    Console().print(stage_table(outcome.log))
    counts = outcome.log.counts()
    click.echo(
        f"{outcome.video}: {counts['frames_kept']} frames to label of "
        f"{counts['frames_sampled']} sampled, {counts['detections']} objects."
    )
    coverage = outcome.log.coverage
    if coverage.lost:
        click.echo(
            f"{coverage.lost} frames ({coverage.seconds_lost:.1f} s) are missing; "
            "report.md says where."
        )
    click.echo(f"Dataset: {outcome.result}")


def _show_json(outcome: Outcome) -> None:
    click.echo(json.dumps(outcome.summary(), ensure_ascii=False))
