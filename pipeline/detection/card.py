"""Model cards: what a file does not say of its model, in a TOML or JSON file beside it."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.detection.graph import LARGEST_SIDE, LARGEST_STEP
from pipeline.detection.placement import Filter
from pipeline.detection.preprocess import Colour, Resize
from pipeline.detection.unsupported import one_line
from pipeline.digest import sha256_of_json
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pathlib import Path

CARD_SUFFIXES = (".toml", ".json")

_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CardPreprocess(_Section):
    """Where the model's preprocessing differs from its family's; null: it does not.

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


class Thresholds(_Section):
    """Thresholds that suit the model, where the configuration leaves them open."""

    score: _Share | None = None
    iou: _Share | None = None


class ModelCard(_Section):
    """A model's card.

    Attributes:
        name: the model's name, for people, as are all until sha256.
        description: what it is, in a sentence.
        licence: SPDX identifier.
        provenance: where it came from, and how it was made.
        sha256: of the ONNX file; loading anything else is refused. None: anything goes.
        family: how it is read; None: as it is recognised.
        labels: its classes, in the order of their ids; "" for an id that means none. None: those
            of its metadata.
        preprocess: where it differs from its family's.
        thresholds: those that suit it.
    """

    name: str | None = None
    description: str | None = None
    licence: str | None = None
    provenance: str | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    family: str | None = None
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    preprocess: CardPreprocess = CardPreprocess()
    thresholds: Thresholds = Thresholds()

    @classmethod
    def for_model(cls, model: Path) -> ModelCard | None:
        """Read the card of a model file (`x.toml` or `x.json` beside `x.onnx`).

        Returns:
            The card; None if there is none.

        Raises:
            BrokenError: the card cannot be read, or there are two.
        """
        cards = [card for suffix in CARD_SUFFIXES if (card := model.with_suffix(suffix)).is_file()]
        if len(cards) > 1:
            raise BrokenError(
                f"Model {model} has two cards, {' and '.join(card.name for card in cards)}: "
                "remove one."
            )
        return cls.read(cards[0]) if cards else None

    @classmethod
    def read(cls, card: Path) -> ModelCard:
        """Read a card.

        Raises:
            BrokenError: it cannot be read, or says what no card says.
        """
        try:
            text = card.read_text(encoding="utf-8-sig")
            said = tomllib.loads(text) if card.suffix == ".toml" else json.loads(text)
            return cls.model_validate(said)
        except ValidationError as error:
            problems = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors())
            detail = "; ".join(": ".join(filter(None, problem)) for problem in problems)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            detail = one_line(error)
        raise BrokenError(f"Model card {card} is not valid: {detail}.")

    def digest(self) -> str:
        """Return the sha256 (hex) of what it says that decides results, in canonical JSON."""
        deciding = {"family", "labels", "preprocess", "thresholds"}
        return sha256_of_json(self.model_dump(mode="json", include=deciding))
