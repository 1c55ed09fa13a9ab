"""`pretag handover`: from the folder of a result to a server, output and exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import runs
from tests.support.fake_label_studio import TOKEN, fake_label_studio

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.command import Pretag

SAMPLED = {"every_seconds": 100, "end_seconds": 0.05}


def test_a_result_is_handed_over_with_its_images(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = runs.result_folder(runs.run(tmp_path, sampling=SAMPLED))
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    with fake_label_studio() as server:
        arguments = ("handover", result, "--to", "label-studio", "--url", server.url)
        first = pretag(*arguments, "--project", "Street")
        again = pretag(*arguments, "--project", "Street")
        assert (first.code, again.code) == (0, 0)
        assert "1 image and " in first.out
        assert f"Project: {server.url}/projects/1/data" in first.out
        assert "0 images and 0 objects were handed over. 1 image was there already." in again.out
        ((_, jpeg),) = server.uploads
        assert jpeg == (result / "images" / "default" / "frame_000000.jpg").read_bytes()
        assert server.projects[0]["title"] == "Street"


def test_a_result_without_images_is_refused(pretag: Pretag, tmp_path: Path) -> None:
    outcome = runs.run(tmp_path, sampling=SAMPLED, output={"images": False})
    ended = pretag(
        "handover", runs.result_folder(outcome), "--to", "cvat", "--url", "https://x",
        "--project", "p",
    )  # fmt: skip
    assert ended.code == 1
    assert "has no images" in ended.err
