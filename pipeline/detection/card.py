"""Model cards: what is known of a model, in a TOML file beside it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BrokenError

MODELS_DIRECTORY = Path(__file__).parents[2] / "models"


@dataclass(frozen=True)
class ModelCard:
    """A model's card.

    Attributes:
        name: what `detector.model` calls it.
        description: what it is, in a sentence.
        licence: SPDX identifier.
        provenance: where it came from, and how it was made.
        sha256: of the ONNX file; loading anything else is refused.
    """

    name: str
    description: str
    licence: str
    provenance: str
    sha256: str

    @classmethod
    def beside(cls, model: Path) -> ModelCard | None:
        """Read the card of a model file (`x.toml` beside `x.onnx`); None if it has none.

        Raises:
            BrokenError: the card cannot be read.
        """
        card = model.with_suffix(".toml")
        if not card.is_file():
            return None
        try:
            return cls(**tomllib.loads(card.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:  # TypeError: a key too many or too few
            detail = " ".join(str(error).split())
            raise BrokenError(f"Model card {card} is not valid: {detail}") from error


def models_at_hand() -> list[Path]:
    """Return the model files that come with pretag, by name."""
    return sorted(MODELS_DIRECTORY.glob("*.onnx"))


def locate(model: str) -> Path:
    """Return the file that `detector.model` means: a name at hand, or else a path.

    Raises:
        BrokenError: there is no such model.
    """
    at_hand = {path.stem: path for path in models_at_hand()}
    path = at_hand.get(model, Path(model))
    if not path.is_file():
        names = ", ".join(at_hand) or "none"
        raise BrokenError(
            f"Model {model} is not there: detector.model is neither a model at hand ({names}) "
            "nor the path of an ONNX file."
        )
    return path
