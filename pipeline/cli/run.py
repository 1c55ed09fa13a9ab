"""`pretag run`: write a dataset for each of one or more videos.

The decoder's process starts first, and the first video is opened next. So it is being decoded while
this process imports the rest, of which ONNX Runtime and OpenCV are the largest part.
"""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.late_commands import importing
from pipeline.decoding.process.spare import prepare_decoder


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
    if jobs == 1:
        prepare_decoder()
    with importing():
        from pipeline.cli.run_request import RunRequest  # noqa: PLC0415
    request = RunRequest.of(videos, out, config_file, assignments, jobs)
    with request.first_video() as first:
        with importing():
            from pipeline.cli.annotation import annotate_videos  # noqa: PLC0415
        return annotate_videos(request, first, as_json=as_json)
