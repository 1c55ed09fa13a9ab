"""Add a model to the models folder, whole or not at all."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipeline.config import default_model
from pipeline.detection import model_folder
from pipeline.detection.card import CARD_SUFFIXES, ModelCard
from pipeline.detection.model import Model
from pipeline.digest import sha256_of_file
from pipeline.errors import BrokenError, InputFileError

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import DecodeSpec


@dataclass(frozen=True)
class AddedModel:
    """A model in the models folder.

    Attributes:
        name: the name by which it is found.
        file: the model file.
        licence: the licence that its card names.
        sha256: sha256 (hex) of the model file.
        spec: how its graph is used.
    """

    name: str
    file: Path
    licence: str
    sha256: str
    spec: DecodeSpec


def add_model(
    file: Path, source: str, *, max_megabytes: float, sha256: str | None = None
) -> AddedModel:
    """Copy a model and its card to the models folder. What is there already is never changed.

    The copies are checked before they get their names: the model is tried, recognised and loaded.
    The card gets its name first, so no model is ever without its card.

    Args:
        file: the model file, with its card beside it.
        source: where the file comes from, for messages.
        max_megabytes: largest file to add.
        sha256: sha256 (hex) that the model file must have; None: any.

    Raises:
        InputFileError: the file is not named .onnx, has no card with a licence, has another sha256,
            or the folder has other files with the names of these.
        BrokenError: the model or its card cannot be used, or the folder cannot be written.
    """
    if file.suffix != ".onnx":
        raise InputFileError(f"Model {source} is not an ONNX file: its name must end with .onnx.")
    folder = model_folder.MODELS_DIRECTORY
    try:
        with TemporaryDirectory(prefix=".adding-", dir=folder) as temporary:
            copy = _copy_with_card(file, Path(temporary))
            added = _check(copy, folder / copy.name, source, max_megabytes, sha256)
            _move(copy, folder)
    except OSError as error:
        raise BrokenError(
            f"Model {source} cannot be copied to {folder}: {error.strerror}. Check that the file "
            "can be read, that the folder is writable, and that the disk is not full."
        ) from error
    return added


def make_default(name: str) -> None:
    """Make a model of the models folder the default.

    Raises:
        BrokenError: the folder cannot be written.
    """
    file = default_model.DEFAULT_MODEL_FILE
    written = file.with_suffix(".new")
    try:
        written.write_text(f"{name}\n", encoding="utf-8")
        written.replace(file)
    except OSError as error:
        raise BrokenError(f"{file} cannot be written: {error.strerror}.") from error


def _copy_with_card(file: Path, folder: Path) -> Path:
    for each in (file, *_cards_of(file)):
        shutil.copyfile(each, folder / each.name)
    return folder / file.name


def _cards_of(file: Path) -> list[Path]:
    cards = (file.with_suffix(suffix) for suffix in CARD_SUFFIXES)
    return [card for card in cards if card.is_file()]


def _check(
    copy: Path, target: Path, source: str, max_megabytes: float, sha256: str | None
) -> AddedModel:
    found = sha256_of_file(copy)
    if sha256 not in (None, found):
        raise InputFileError(
            f"Model {source} has the sha256 {found}, not {sha256}. It is another file than you "
            "expected, or not complete: fetch it again from its maker."
        )
    for there in (target, *_cards_of(target)):
        if there.exists() and not _is_same(there, copy.with_name(there.name)):
            raise InputFileError(
                f"{there} is there already, and differs from what you add. Give your model another "
                "name, or remove this file."
            )
    try:
        card = ModelCard.for_model(copy)
        if card is None or not card.licence:
            raise InputFileError(
                f"Model {source} has no card that names its licence. Write licence = "
                f'"..." on the card {copy.stem}.toml beside it; `pretag model card` writes a card '
                "to begin with."
            )
        model = Model.load(str(copy), max_megabytes=max_megabytes)
    except BrokenError as error:  # names the copy, or its card
        message = str(error).replace(str(copy.with_suffix("")), source.removesuffix(copy.suffix))
        raise BrokenError(message) from error
    return AddedModel(copy.stem, target, card.licence, found, model.spec)


def _is_same(file: Path, other: Path) -> bool:
    return other.is_file() and sha256_of_file(file) == sha256_of_file(other)


def _move(copy: Path, folder: Path) -> None:
    for each in (*_cards_of(copy), copy):
        each.replace(folder / each.name)
