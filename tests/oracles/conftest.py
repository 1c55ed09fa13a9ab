"""Results of the sample, exported in each form, for the tests with the readers of other tools."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pipeline.cli.export import export_results
from tests.support import clips, runs

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the results of two videos, one with a name that needs care, and an empty one."""
    out = tmp_path_factory.mktemp("out")
    videos = tmp_path_factory.mktemp("videos")
    odd = Path(shutil.copy(clips.SAMPLE, videos / "Höhe 1, #2 & 'x'.mp4"))
    sampled = {"every_seconds": 1}
    return {
        "plain": runs.result_folder(runs.run(out, sampling=sampled)),
        "odd": runs.result_folder(runs.run(out, odd, sampling={"every_seconds": 2.5})),
        "empty": runs.result_folder(
            runs.run(out, sampling=sampled, detector={"score_threshold": 0.999})
        ),
    }


@pytest.fixture
def export(tmp_path: Path, results: dict[str, Path]) -> Callable[..., Path]:
    """Return a function that exports results by their names into a new folder or archive."""

    def exported(form: str, *names: str, to: str = "export", options: tuple[str, ...] = ()) -> Path:
        target = tmp_path / to
        folders = [str(results[name]) for name in names]
        arguments = [*folders, "--to", form, "--out", str(target), *options]
        CliRunner().invoke(export_results, arguments, catch_exceptions=False)
        return target

    return exported


@pytest.fixture
def written(results: dict[str, Path]) -> Callable[..., dict[str, list[Any]]]:
    """Return a function that returns the objects of results by the unique names of their images."""

    def objects(*names: str) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for name in names:
            coco = json.loads((results[name] / "annotations/instances_default.json").read_text())
            labels = {each["id"]: each["name"] for each in coco["categories"]}
            manifest = json.loads((results[name] / "manifest.json").read_text())
            images = {each["id"]: each for each in coco["images"]}
            stem = unique_stem(manifest)
            for image in images.values():
                found[f"{stem}-{image['file_name'].removesuffix('.jpg')}"] = []
            for each in coco["annotations"]:
                file_name = images[each["image_id"]]["file_name"].removesuffix(".jpg")
                found[f"{stem}-{file_name}"].append(
                    (labels[each["category_id"]], each["bbox"], each["score"])
                )
        return found

    return objects


def unique_stem(manifest: dict[str, Any]) -> str:
    """Return the beginning of the names of a run's images, as docs/tools says."""
    video = "pedestrians" if manifest["source"]["uri"].endswith("pedestrians.mp4") else "Höhe_1_2_x"
    return f"{video}-{manifest['run_id'][:8]}"
