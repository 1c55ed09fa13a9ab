"""Write the files of a dataset: annotations, tables, configuration, log and reports."""

from __future__ import annotations

import platform
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime

from pipeline import __version__
from pipeline.dataset import coco
from pipeline.dataset.classes import with_categories
from pipeline.dataset.csv_tables import frames_csv, logs_csv
from pipeline.dataset.report.figures import Subject, figures_of
from pipeline.dataset.report.html import report_html
from pipeline.dataset.report.markdown import report_markdown
from pipeline.decoding.backend import has_pyav
from pipeline.resources.prices import Rates, bill, divided_bill, is_arm

if TYPE_CHECKING:
    from collections import Counter

    from pipeline.dataset.dataset import Dataset
    from pipeline.drift.baseline import Baseline
    from pipeline.drift.drift import Drift, NotCompared
    from pipeline.frame import Display
    from pipeline.processing import Processing
    from pipeline.resources.prices import Bill
    from pipeline.runlog import RunLog
    from pipeline.storage.publisher import Publisher
    from pipeline.storage.written_file import WrittenFile


def write_files(
    run: Processing,
    run_id: str,
    dataset: Dataset,
    publisher: Publisher,
    baseline: Baseline | None,
) -> RunLog:
    """Write all files of a dataset but its images and the manifest; return the finished log.

    Args:
        run: what the video was processed with.
        run_id: the run id.
        dataset: the complete dataset.
        publisher: writes the files, and has written the images.
        baseline: what the run is compared with; None: nothing.

    Raises:
        BrokenError: the model gives impossible boxes.
        PretagError: a file cannot be written.
    """
    run.detector.check_boxes()
    dataset = with_categories(dataset, run.config)
    run.log.detections_by_class = dataset.detections_by_class()
    counts = run.log.counts()
    run.log.warnings = (
        *run.log.warnings,
        *run.detector.warnings(counts["frames_kept"], counts["detections"]),
        *_display_warnings(dataset.display),
    )
    _put_annotations(run, run_id, dataset, publisher)
    publisher.put("predictions.json", coco.predictions(dataset))
    publisher.put("frames.csv", frames_csv(dataset))
    settings = _effective_config(run)
    publisher.put_json("config.json", settings)
    if baseline is not None:
        run.log.drift = _drift(run.log.detections_by_class, dataset, settings, baseline)
    log = run.log.finished()
    # In the log of the attempt too, of which the outcome and the metrics are made.
    archive = publisher.archive
    run.log.bill = log.bill = _bill(run, log, archive)
    publisher.put("logs.csv", logs_csv(log))
    figures = figures_of(dataset, log, _subject(run, run_id, log, settings, archive))
    publisher.put_text("report.md", report_markdown(figures))
    publisher.put_text("report.html", report_html(figures, dataset))
    return log


def _put_annotations(run: Processing, run_id: str, dataset: Dataset, publisher: Publisher) -> None:
    """Write the COCO file, which can be large, and what is exported of it."""
    instances = coco.instances(dataset)
    publisher.put(coco.COCO_FILE, instances)
    if run.config.output.exports:
        # Imported late, because few runs need it.
        from pipeline.dataset.exports.of_run import put_exports  # noqa: PLC0415

        put_exports(run.config, instances, publisher, run.source.uri, run_id)


def _drift(
    classes: Counter[str], dataset: Dataset, settings: dict[str, Any], baseline: Baseline
) -> Drift | NotCompared:
    # Imported late, as few runs have a baseline.
    from pipeline.drift.comparison import compare  # noqa: PLC0415
    from pipeline.drift.sample import Sample  # noqa: PLC0415

    return compare(Sample.of(settings, classes, dataset.scores()), baseline)


def _display_warnings(display: Display) -> tuple[str, ...]:
    if display.ratio_changes_ms is None:
        return ()
    seconds = display.ratio_changes_ms / 1000
    warning = (
        f"The aspect ratio of the pixels changes at about {seconds:.1f} seconds. All images were "
        f"made with the first one, {display.sample_aspect_ratio}, so later ones look stretched. "
        "Cut the video there, and upload the parts."
    )
    return (warning,)


def _subject(
    run: Processing,
    run_id: str,
    log: RunLog,
    settings: dict[str, Any],
    archive: WrittenFile | None,
) -> Subject:
    capacity = run.budget.capacity
    return Subject(
        run_id=run_id,
        video_uri=run.source.uri,
        every_ms=1000 * run.config.sampling.every_seconds,
        settings=settings,
        bill=log.bill,
        memory_megabytes=None if capacity is None else capacity.megabytes,
        archive=None if archive is None else archive.path,
    )


def _bill(run: Processing, log: RunLog, archive: WrittenFile | None) -> Bill | None:
    capacity = run.budget.capacity
    if capacity is None:
        return None
    to_bill = bill if log.shards is None else partial(divided_bill, shards=len(log.shards.seconds))
    return to_bill(
        Rates(capacity.megabytes, is_arm=is_arm()),
        work_seconds=log.total_seconds,
        frames=log.stage("encode").items_out,
        fetches=log.stage("fetch").items_in,
        archive_bytes=None if archive is None else archive.size_bytes,
    )


def _effective_config(run: Processing) -> dict[str, Any]:
    """Return the content of config.json: everything but the video that decides the result."""
    return {
        "config": run.config.computing(),
        "model": run.detector.description(),
        "versions": computed_by(),
    }


def computed_by() -> dict[str, str]:
    """Return what computes a result: the versions and the architecture. Part of the run id.

    The same video can give other bytes with another of these.
    """
    return {
        "pretag": __version__,
        "opencv": cv2.__version__,
        "pyav": version("av") if has_pyav() else "not installed",
        "onnxruntime": onnxruntime.__version__,
        "numpy": np.__version__,
        "architecture": platform.machine(),
    }
