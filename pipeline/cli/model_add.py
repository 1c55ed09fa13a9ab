"""`pretag model add`: put a model where it is found by its name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from pipeline.cli.model_tables import print_not_read
from pipeline.cli.s3_names import split_s3_uri
from pipeline.config.schema import DetectorConfig
from pipeline.detection.adding import add_model, make_default
from pipeline.detection.card import CARD_SUFFIXES
from pipeline.errors import InputFileError
from pipeline.resources.deadline import Deadline
from pipeline.text import path_text, printable

if TYPE_CHECKING:
    from pipeline.detection.adding import AddedModel

_S3_FORM = "s3://bucket/key.onnx"


@click.command("add")
@click.argument("model", metavar="FILE|s3://BUCKET/KEY")
@click.option("--sha256", metavar="HEX", help="sha256 that the model file must have.")
@click.option("--default", "is_default", is_flag=True, help="Make it the default model.")
def add(model: str, sha256: str | None, is_default: bool) -> None:  # noqa: FBT001 - click
    """Copy a model and its card to the models folder.

    `pretag run` then finds the model by its name, and the next image contains it. The card beside
    the model must name its licence. The model is loaded once, to see that it can be used. Nothing
    is added otherwise, and no other file is overwritten.
    """
    expected = None if sha256 is None else sha256.lower()
    added = _add_from_s3(model, expected) if model.startswith("s3://") else _add(model, expected)
    click.echo(f"Model: {path_text(added.file)}")
    click.echo(f"sha256: {added.sha256}")
    click.echo(
        f"Licence: {printable(added.licence)}, as its card says. Check that it allows your use."
    )
    print_not_read(added.spec)
    if is_default:
        make_default(added.name)
        click.echo(f"Default model: {printable(added.name)}")


def _add(model: str, sha256: str | None) -> AddedModel:
    file = Path(model)
    if not file.is_file():
        raise InputFileError(f"Model {path_text(file)} does not exist. Give the path of a file.")
    return add_model(
        file, path_text(file), max_megabytes=DetectorConfig().max_megabytes, sha256=sha256
    )


def _add_from_s3(uri: str, sha256: str | None) -> AddedModel:
    # boto3 takes longer to import than the rest of the command.
    from pipeline.storage.s3.client import s3_client  # noqa: PLC0415
    from pipeline.storage.s3.model_files import fetch_model_files  # noqa: PLC0415
    from pipeline.storage.s3.retries import Retries  # noqa: PLC0415

    _, key = split_s3_uri(uri, _S3_FORM, needs_key=True)
    if PurePosixPath(key).suffix != ".onnx":
        raise click.UsageError(f"{uri!r} must have the form {_S3_FORM}.")
    max_megabytes = DetectorConfig().max_megabytes
    with TemporaryDirectory(prefix="pretag-model-") as folder:
        file = fetch_model_files(
            s3_client(),
            uri,
            Path(folder),
            card_suffixes=CARD_SUFFIXES,
            max_megabytes=max_megabytes,
            retries=Retries(Deadline.never()),
        )
        return add_model(file, uri, max_megabytes=max_megabytes, sha256=sha256)
