"""`pretag export`: write results in the form that another tool reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.results import open_result
from pipeline.cli.terminal import counted
from pipeline.dataset.exports.export_set import united
from pipeline.dataset.exports.files import export_files
from pipeline.dataset.exports.form import Options
from pipeline.dataset.exports.reading import read_export_set
from pipeline.dataset.exports.registry import FORMATS
from pipeline.errors import PathError
from pipeline.storage.export_target import ARCHIVE_SUFFIX, ArchiveTarget, FolderTarget
from pipeline.storage.listed_files import ListedFiles
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.dataset.exports.export_set import ExportSet
    from pipeline.storage.export_target import ExportTarget


@click.command("export")
@click.argument("results", metavar="RESULT...", nargs=-1, required=True)
@click.option(
    "--to", "form_name", required=True, type=click.Choice(list(FORMATS)),
    help="The tool: " + "; ".join(f"{each.name}: {each.tool}" for each in FORMATS.values()) + ".",
)  # fmt: skip
@click.option(
    "--out", required=True, metavar="PATH",
    help="A new folder, a .zip file, or s3://bucket/prefix or s3://bucket/name.zip.",
)  # fmt: skip
@click.option(
    "--categories", type=click.Choice(["all", "used", "chosen"]),
    help="Classes to write: all of the results, those with an object, or those that "
    "detector.classes chose.  [default: used for labelling tools, all for training]",
)  # fmt: skip
@click.option(
    "--images-at", metavar="URL",
    help="With label-studio: where Label Studio finds the images of the export, such as "
    "https://host/images. By default, images that are files in S3 are read there, and "
    "others from Label Studio's local files.",
)  # fmt: skip
@click.option(
    "--frame-step", type=click.IntRange(min=1), metavar="N",
    help="With cvat-video: the frame step of the CVAT task.  [default: 1]",
)  # fmt: skip
def export_results(  # noqa: PLR0913, PLR0917 - one argument for each option
    results: tuple[str, ...],
    form_name: str,
    out: str,
    categories: str | None,
    images_at: str | None,
    frame_step: int | None,
) -> None:
    """Write each RESULT in the form that another tool reads, all together into PATH.

    RESULT is the folder of a run, OUT/<video>/<run id>, or s3://bucket/prefix/key/run. Several
    results become one data set: images get names that are unique over all videos, and classes of
    the same name are one class. docs/tools has a page for each tool.
    """
    if images_at is not None and form_name != "label-studio":
        raise click.UsageError("--images-at is only for --to label-studio. Leave it out.")
    if frame_step is not None and form_name != "cvat-video":
        raise click.UsageError("--frame-step is only for --to cvat-video. Leave it out.")
    target = _open_target(out)
    exported, listed = read_results(results)
    files = export_files(
        exported,
        FORMATS[form_name],
        Options(images_at, frame_step or 1),
        lambda image: listed[image.video.run_id].read(image.path),
        categories=categories,
    )
    target.write(files)
    objects = sum(len(image.boxes) for image in exported.images)
    click.echo(
        f"{counted(len(exported.images), 'image')} and {counted(objects, 'object')} of "
        f"{counted(len(exported.videos), 'result')}: {printable(out)}"
    )


def read_results(names: tuple[str, ...]) -> tuple[ExportSet, dict[str, ListedFiles]]:
    """Return one export set of several results, and the files of each result by its run id.

    Raises:
        PathError: a result does not exist, or two names mean the same run.
        PretagError: a result cannot be read, or is not finished.
    """
    found: dict[str, ListedFiles] = {}
    sets = []
    for result in list(map(open_result, names)):  # all of them first: a wrong one is wrong usage
        files = ListedFiles(result)
        run_id = files.manifest.run_id
        if run_id in found:
            raise PathError(
                f"{result.location} is the run {run_id}, as {found[run_id].reader.location} is, so "
                "its images would be there twice. Name it once."
            )
        found[run_id] = files
        sets.append(read_export_set(files))
    return united(sets), found


def _open_target(out: str) -> ExportTarget:
    if out.startswith("s3://"):
        # boto3 takes longer to import than the rest of the command.
        from pipeline.storage.s3.export_target import S3Target  # noqa: PLC0415

        return S3Target(out)
    return ArchiveTarget(Path(out)) if out.endswith(ARCHIVE_SUFFIX) else FolderTarget(Path(out))
