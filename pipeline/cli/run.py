"""`pretag run`: write a dataset for each of one or more videos."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import FAILED, REJECTED
from pipeline.cli.result_place import result_place
from pipeline.cli.run_display import RunDisplay
from pipeline.cli.side_by_side import run_side_by_side
from pipeline.cli.video_run import run_video
from pipeline.cli.videos import named_videos
from pipeline.concurrency.cpus import available_cpus
from pipeline.config import layers
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.run import annotate
from pipeline.run_in_shards import annotate_in_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pipeline.cli.result_place import ResultPlace
    from pipeline.cli.video_run import Annotate, VideoEnd
    from pipeline.cli.videos import NamedVideo
    from pipeline.config.schema import Config
    from pipeline.outcome import Outcome
    from pipeline.run import Progress as OnProgress
    from pipeline.sharding.local import ShardStore
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
    help="Processes that work at a time: on whole videos if there are several, on parts of the "
    "video if there is one. The results are the same.",
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
    place, named = result_place(out), named_videos(videos)
    config = _effective_config(config_file, assignments)
    processes = min(jobs, len(named))
    if processes == 1:
        prepare_decoder()  # it starts while the model is loaded
    model = Model.load(
        config.detector.model, config.detector.providers, config.detector.max_megabytes
    )
    Detector(model, config.detector)  # raises an error that holds for all videos
    code = 0
    with RunDisplay(named, out, as_json=as_json) as display:
        if processes > 1:
            del model  # each process loads its own
            ends = run_side_by_side(
                named,
                out,
                config,
                processes=processes,
                on_progress=display.progress,
                on_end=display.end,
            )
        else:
            ends = _one_by_one(named, place, partial(_annotate, config, model, jobs), display)
        with closing(ends):
            for end in ends:
                display.add(end)
                if end.outcome is None:
                    code = FAILED
                elif end.outcome.is_rejected:
                    code = code or REJECTED
        display.finish()
    return code


def _one_by_one(
    videos: Sequence[NamedVideo], place: ResultPlace, annotate_one: Annotate, display: RunDisplay
) -> Generator[VideoEnd]:
    for number, video in enumerate(videos):
        end = run_video(video, place, annotate_one, partial(display.progress, number))
        display.end(number)
        yield end


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
    config: Config,
    model: Model,
    jobs: int,
    source: VideoSource,
    open_store: Callable[[str], ShardStore],
    on_progress: OnProgress,
) -> Outcome:
    detector = Detector(model, config.detector)
    if jobs > 1:
        return annotate_in_shards(
            source, config, detector, open_store, processes=jobs, on_progress=on_progress
        )
    return annotate(
        source, config, detector, open_store, cpus=available_cpus(), on_progress=on_progress
    )
