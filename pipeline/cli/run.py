"""`pretag run`: write a dataset for each of one or more videos."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from pipeline.cli import FAILED, REJECTED
from pipeline.cli.result_place import result_place
from pipeline.cli.run_display import RunDisplay
from pipeline.cli.videos import named_videos
from pipeline.concurrency.cpus import available_cpus
from pipeline.config import layers
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import ConfigError, PretagError
from pipeline.run import annotate
from pipeline.run_in_shards import annotate_in_shards

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.config.schema import Config
    from pipeline.outcome import Outcome
    from pipeline.run import Progress as OnProgress
    from pipeline.sharding.local import ShardStore
    from pipeline.storage.result_store import ResultStore
    from pipeline.storage.source import VideoSource


@click.command("run")
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True)
@click.option(
    "--out", required=True, metavar="FOLDER|S3_URI",
    help="Where the results go, a folder or s3://bucket/prefix: OUT/<video>/<run id>/.",
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
    videos: tuple[str, ...],
    out: str,
    config_file: Path | None,
    assignments: tuple[str, ...],
    jobs: int,
    as_json: bool,  # noqa: FBT001 - click passes flags as positional arguments
) -> int:
    """Annotate each VIDEO, and write its dataset to OUT.

    VIDEO is a file, a folder (all videos in it and below it), a pattern such as 'day*/*.mp4', an
    object s3://bucket/key, or a prefix s3://bucket/prefix/ with a slash at its end.

    A video that has a complete dataset of this configuration already is skipped. An error of one
    video does not stop the others.
    """
    if jobs > 1 and any(name.startswith("s3://") for name in (out, *videos)):
        raise click.UsageError("--jobs is for videos and results on this machine. Leave it out.")
    place, named = result_place(out), named_videos(videos)
    config = _effective_config(config_file, assignments)
    prepare_decoder()  # it starts while the model is loaded
    model = Model.load(
        config.detector.model, config.detector.providers, config.detector.max_megabytes
    )
    Detector(model, config.detector)  # raises an error that holds for all videos
    code = 0
    with RunDisplay(len(named), out, as_json=as_json) as display:
        for video in named:
            try:
                with display.video(video.folder) as on_progress:
                    source = video.open()
                    open_store = partial(place.store, video.folder, source.uri)
                    outcome = _annotate(source, open_store, config, model, jobs, on_progress)
            except ConfigError:  # it holds for all videos
                raise
            except PretagError as error:  # the other videos may be better
                display.add_failure(video.folder, str(error))
                code = FAILED
                continue
            if outcome.is_rejected:
                code = code or REJECTED
            display.add(video.folder, outcome)
        display.finish()
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
    source: VideoSource,
    open_store: Callable[[str], ResultStore],
    config: Config,
    model: Model,
    jobs: int,
    on_progress: OnProgress,
) -> Outcome:
    detector = Detector(model, config.detector)
    if jobs > 1:
        return annotate_in_shards(
            source,
            config,
            detector,
            # `run_videos` has checked that all is on this machine.
            cast("Callable[[str], ShardStore]", open_store),
            processes=jobs,
            on_progress=on_progress,
        )
    return annotate(
        source, config, detector, open_store, cpus=available_cpus(), on_progress=on_progress
    )
