"""`pretag handover`: put results onto the server of a labelling tool."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import click

from pipeline.cli.export import read_results
from pipeline.cli.handover_video import video_task
from pipeline.cli.terminal import counted
from pipeline.dataset.exports.export_set import with_categories
from pipeline.errors import InputFileError
from pipeline.handover import cvat, label_studio
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.handover.handed import HandOver

_TOOLS: dict[str, HandOver] = {"cvat": cvat.hand_over, "label-studio": label_studio.hand_over}


@click.command("handover")
@click.argument("results", metavar="RESULT...", nargs=-1, required=True)
@click.option("--to", "tool", required=True, type=click.Choice(list(_TOOLS)), help="The tool.")
@click.option("--url", required=True, metavar="URL", help="Address of its server.")
@click.option(
    "--project", required=True, metavar="NAME",
    help="Name of the project. It is made if there is none.",
)  # fmt: skip
@click.option(
    "--categories", default="used", show_default=True,
    type=click.Choice(["all", "used", "chosen"]),
    help="Classes of a new project: all of the results, those with an object, or those that "
    "detector.classes chose.",
)  # fmt: skip
@click.option(
    "--video", metavar="FILE|S3_URI",
    help="(CVAT) The video of the one RESULT: make the task of it, with the sampled frames alone, "
    "instead of its images.",
)  # fmt: skip
def hand_over_results(  # noqa: PLR0913, PLR0917 - click passes each option as an argument
    results: tuple[str, ...], tool: str, url: str, project: str, categories: str, video: str | None
) -> None:
    """Put the images and objects of each RESULT onto the server of a labelling tool.

    RESULT is the folder of a run, OUT/<video>/<run id>, or s3://bucket/prefix/key/run. What the
    project has already is left as it is, so the same command completes what was interrupted.

    The access token is in the variable LABEL_STUDIO_API_KEY or CVAT_ACCESS_TOKEN.
    """
    if video is not None and (tool != "cvat" or len(results) > 1):
        raise click.UsageError("--video is only for --to cvat, and for one RESULT. Leave it out.")
    exported, files = read_results(results)
    if video is None and not exported.has_images:
        raise InputFileError(
            "A result has no images, because output.images was false. Process the video again."
        )
    with ExitStack() as stack:
        hand_over = _TOOLS[tool]
        if video is not None:
            (result,) = files.values()
            task = stack.enter_context(video_task(video, result))
            hand_over = partial(cvat.hand_over, video=task)
        handed = hand_over(
            with_categories(exported, categories),
            lambda image: files[image.video.run_id].read(image.path),
            url,
            project,
            os.environ,
        )
    verb = "was" if handed.known == 1 else "were"
    there = f" {counted(handed.known, 'image')} {verb} there already." if handed.known else ""
    click.echo(
        f"{counted(handed.images, 'image')} and {counted(handed.objects, 'object')} were handed "
        f"over.{there}"
    )
    click.echo(f"Project: {printable(handed.link)}")
