"""Model cards: files that are not valid are refused."""

from pathlib import Path

import pytest

from pipeline.detection.card import ModelCard
from pipeline.errors import BrokenError


def test_a_model_without_a_card_file_has_no_card(tmp_path: Path) -> None:
    assert ModelCard.for_model(tmp_path / "mine.onnx") is None


@pytest.mark.parametrize("text", ["name = ", "nome = 1", "sha256 = 'x'", "\xff"])
def test_a_card_with_a_wrong_syntax_key_value_or_encoding_is_refused(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "mine.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BrokenError, match=r"mine\.toml is not valid: .*Correct the card"):
        ModelCard.for_model(tmp_path / "mine.onnx")


@pytest.mark.parametrize("text", ["[1]", '"text"', "null"])
def test_a_card_that_is_not_a_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(BrokenError, match=r"Model card .*mine\.json is not valid: .*dictionary"):
        ModelCard.for_model(tmp_path / "mine.onnx")


def test_a_model_with_two_cards_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(BrokenError, match=r"two cards, mine\.toml and mine\.json\. Remove one"):
        ModelCard.for_model(tmp_path / "mine.onnx")
