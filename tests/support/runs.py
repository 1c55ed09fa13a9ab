"""Run the whole pipeline on a file, and read the files of the result."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

from pycocotools.coco import COCO

from pipeline.config.schema import Config
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.outcome import Outcome
from pipeline.resources.budget import Budget
from pipeline.run import Progress, annotate
from pipeline.storage.local import FolderStore, LocalVideo
from tests.support import clips

# Files that differ from run to run: three contain times, and the manifest has their digests.
FILES_WITH_TIMES = {"logs.csv", "report.md", "report.html", "manifest.json"}


@cache
def default_model() -> Model:
    """Return the default model. It is loaded once for all tests of a process."""
    return Model.load(Config().detector.model)


def run(  # noqa: PLR0913 - a run has many parts, and each test sets few of them
    out: Path,
    video: Path = clips.SAMPLE,
    *,
    cpus: int = 2,
    on_progress: Progress = lambda _done, _total: None,
    store: type[FolderStore] = FolderStore,
    budget: Budget | None = None,
    **sections: dict[str, Any],
) -> Outcome:
    """Annotate a video.

    Args:
        out: folder for results.
        video: the video; by default the sample.
        cpus: number of CPUs to use.
        on_progress: called after each sampled frame.
        store: class of the result store.
        budget: time and memory of the run; by default unlimited.
        **sections: sections of the configuration, such as `sampling={"every_seconds": 5}`.
    """
    config = Config.model_validate(sections)
    source = LocalVideo.at(video)
    return annotate(
        source,
        config,
        Detector(default_model(), config.detector),
        lambda run_id: store(out, source.name, run_id),
        cpus=cpus,
        on_progress=on_progress,
        budget=budget or Budget.unlimited(),
    )


def result_folder(outcome: Outcome) -> Path:
    """Return the folder of the run."""
    return Path(outcome.result)


def files_of(outcome: Outcome) -> dict[str, bytes]:
    """Return the content of all files of a result, by path."""
    folder = result_folder(outcome)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def data_files_of(outcome: Outcome) -> dict[str, bytes]:
    """Return the content of the files that must not differ from run to run, by path."""
    files = files_of(outcome)
    return {path: data for path, data in files.items() if path not in FILES_WITH_TIMES}


def coco_of(outcome: Outcome) -> COCO:
    """Return the dataset."""
    return COCO(str(result_folder(outcome) / "annotations" / "instances_default.json"))


def frames_of(outcome: Outcome) -> list[dict[str, str]]:
    """Return the rows of frames.csv."""
    with (result_folder(outcome) / "frames.csv").open() as file:
        return list(csv.DictReader(file))
