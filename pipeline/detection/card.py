"""Model cards: a TOML or JSON file beside a model file, with facts that the file does not have."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError

from pipeline.config.schema import StrictModel
from pipeline.detection.families.common.base import BoxUnit
from pipeline.detection.graph import LARGEST_SIDE, LARGEST_STEP
from pipeline.detection.preprocess import Colour, Resize
from pipeline.detection.scaling import Filter
from pipeline.detection.unsupported import one_line_message
from pipeline.digest import sha256_of_json
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pathlib import Path

CARD_SUFFIXES = (".toml", ".json")

_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]


class CardPreprocess(StrictModel):
    """Changes to the preprocessing of the model's family. None leaves a value unchanged.

    The keys are those of `pipeline.detection.preprocess.Preprocess`.
    """

    resize: Resize | None = None
    width: int | None = Field(default=None, ge=1, le=LARGEST_SIDE)
    height: int | None = Field(default=None, ge=1, le=LARGEST_SIDE)
    step: int | None = Field(default=None, ge=1, le=LARGEST_STEP)
    filter: Filter | None = None
    padding: int | None = Field(default=None, ge=0, le=255)
    colour: Colour | None = None
    scale: _Positive | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[_Positive, _Positive, _Positive] | None = None


class Thresholds(StrictModel):
    """Thresholds of the model, which are used if the configuration has none."""

    score: _Share | None = None
    iou: _Share | None = None


class ModelCard(StrictModel):
    """A model card. `name`, `description`, `licence` and `provenance` are for people only.

    Attributes:
        name: name of the model.
        description: one sentence about the model.
        licence: SPDX identifier of the licence.
        provenance: where the model comes from, and how it was made.
        sha256: sha256 (hex) of the model file. Another file is refused. None accepts any file.
        family: the model's family; None for the family that recognises it.
        labels: labels of the classes in the order of their ids; "" for an id that means no class.
            None for the labels in the metadata.
        first_class_id: the class id of the first label: 1 if class 0 is the background. None for
            the first class id of the family.
        box_unit: the unit of the decoded boxes. None for the unit of the family.
        preprocess: changes to the preprocessing of the family.
        thresholds: thresholds of the model.
    """

    name: str | None = None
    description: str | None = None
    licence: str | None = None
    provenance: str | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    family: str | None = None
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    first_class_id: int | None = Field(default=None, ge=0, le=1)
    box_unit: BoxUnit | None = None
    preprocess: CardPreprocess = CardPreprocess()
    thresholds: Thresholds = Thresholds()

    @classmethod
    def for_model(cls, model_file: Path) -> ModelCard | None:
        """Return the card of a model file: `x.toml` or `x.json` for `x.onnx`.

        Returns:
            The card; None if there is none.

        Raises:
            BrokenError: the card is not valid, or there are two cards.
        """
        cards = [
            card for suffix in CARD_SUFFIXES if (card := model_file.with_suffix(suffix)).is_file()
        ]
        if len(cards) > 1:
            raise BrokenError(
                f"Model {model_file} has two cards, {' and '.join(card.name for card in cards)}. "
                "Remove one of them."
            )
        return cls.read(cards[0]) if cards else None

    @classmethod
    def read(cls, path: Path) -> ModelCard:
        """Read a card.

        Raises:
            BrokenError: the file cannot be read, has a wrong syntax, or has a key or value that
                cards do not have.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
            values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
            return cls.model_validate(values)
        except ValidationError as error:
            details = error.errors()
            problems = ((".".join(map(str, detail["loc"])), detail["msg"]) for detail in details)
            reason = "; ".join(": ".join(filter(None, problem)) for problem in problems)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            reason = one_line_message(error)
        raise BrokenError(
            f"Model card {path} is not valid: {reason}. Correct the card. For a model without a "
            "card, `pretag model card` writes one with all keys."
        )

    def digest(self) -> str:
        """Return the sha256 (hex) of the keys that can change results, as canonical JSON."""
        keys = {"family", "labels", "first_class_id", "box_unit", "preprocess", "thresholds"}
        return sha256_of_json(self.model_dump(mode="json", include=keys))
