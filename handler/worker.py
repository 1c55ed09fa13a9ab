"""Process the jobs of an event: S3 object -> annotate -> result in the output bucket."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.events import Skip
from handler.metrics import emit_outcome, emit_superseded
from pipeline.concurrency.cpus import available_cpus
from pipeline.errors import BrokenError, SupersededError
from pipeline.run import annotate
from pipeline.storage.s3.client import read_text, s3_client, split_uri
from pipeline.storage.s3.model_files import fetch_model_files
from pipeline.storage.s3.sink import S3Sink
from pipeline.storage.s3.video import S3Video

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handler.environment import Environment
    from handler.events import Job
    from pipeline.config.schema import Config
    from pipeline.detection.model import Model

logger = Logger(child=True)


@lru_cache(maxsize=2)
def _load_model(model: str, providers: tuple[str, ...], max_megabytes: float) -> Model:
    """Load a model. The last two models stay loaded for later calls in the same process."""
    # The 44 modules of detection take half of the handler's own import time. Here, S3 answers
    # meanwhile.
    from pipeline.detection.model import Model  # noqa: PLC0415

    load = _load_model_from_s3 if model.startswith("s3://") else Model.load
    loaded = load(model, providers, max_megabytes)
    logger.info("Model loaded", extra={"model": loaded.name, "sha256": loaded.sha256})
    return loaded


def _load_model_from_s3(uri: str, providers: tuple[str, ...], max_megabytes: float) -> Model:
    """Fetch a model to /tmp, load it, and remove the file, so that /tmp is free again."""
    # Imported late: see _load_model. Cards also need pydantic, as effective_config does.
    from pipeline.detection.card import CARD_SUFFIXES  # noqa: PLC0415
    from pipeline.detection.model import Model  # noqa: PLC0415

    with TemporaryDirectory(prefix="pretag-model-") as folder:
        file = fetch_model_files(
            s3_client(),
            uri,
            Path(folder),
            card_suffixes=CARD_SUFFIXES,
            max_megabytes=max_megabytes,
        )
        try:
            return Model.load(str(file), providers, max_megabytes)
        except BrokenError as error:
            raise BrokenError(f"{uri}, as fetched from S3: {error}") from error


def process_jobs(jobs: Iterable[Job | Skip], environment: Environment) -> dict[str, Any]:
    """Process each job. Then raise the first error that is not the fault of a video.

    Returns:
        The summary: one object for each job, in `videos` or in `skipped`.

    Raises:
        PretagError: retryable or broken.
    """
    summary: dict[str, Any] = {"videos": [], "skipped": []}
    failures: list[Exception] = []
    for job in jobs:
        try:
            outcome = process_job(job, environment)
        except Exception as error:  # raised below, after the other jobs
            logger.exception("Video failed", extra={"job": job})
            failures.append(error)
            continue
        logger.info("Video processed", extra={"outcome": outcome})
        summary["skipped" if "skipped" in outcome else "videos"].append(outcome)
    if failures:
        raise failures[0]
    return summary


def process_job(job: Job | Skip, environment: Environment) -> dict[str, Any]:
    """Annotate one object, write its result to the output bucket, and print its metrics.

    Returns:
        The job's entry in the summary: done, rejected, superseded or skipped.

    Raises:
        PretagError: retryable or broken.
    """
    if isinstance(job, Skip):
        return job.summary()
    suffixes = environment.video_suffixes
    # `endswith` and not the path's suffix: S3's console makes a folder as an object "x.mp4/".
    if not job.named and not job.key.lower().endswith(suffixes):
        return Skip(job.uri, f"its suffix is not one of {' '.join(suffixes)}").summary()
    try:
        return _annotated(job, environment)
    except SupersededError as error:
        emit_superseded(job.uri)
        return {"video": job.uri, "status": "superseded", "message": str(error)}


def effective_config(environment: Environment, job: Job) -> Config:
    """Return the configuration from the file of `PRETAG_CONFIG`, the environment and the event.

    Raises:
        ConfigError: a key or value is wrong.
        BrokenError, RetryableError: the config file cannot be read.
    """
    # pydantic takes a fifth of the cold start to import. Here, S3 answers meanwhile.
    from pipeline.config import layers  # noqa: PLC0415

    wanted = []
    if environment.config_file is not None:
        text = read_text(environment.config_file, s3_client())
        wanted.append(layers.file_layer(environment.config_file, text))
    wanted.append(layers.environment_layer(os.environ))
    wanted.append(layers.tree_layer("the event", job.config))
    return layers.merge(*wanted)


def _annotated(job: Job, environment: Environment) -> dict[str, Any]:
    client = s3_client()
    bucket, prefix = split_uri(job.output or environment.output)
    with ThreadPoolExecutor(max_workers=1) as executor:
        # S3 answers while the model loads.
        video = executor.submit(
            S3Video.find, client, job.bucket, job.key, version_id=job.version_id, etag=job.etag
        )
        config = effective_config(environment, job)
        detector = config.detector
        model = _load_model(detector.model, detector.providers, detector.max_megabytes)
    # Imported late: see _load_model.
    from pipeline.detection.detector import Detector  # noqa: PLC0415

    outcome = annotate(
        video.result(),
        config,
        Detector(model, detector),
        lambda run_id: S3Sink(client, bucket, prefix, job.key, run_id),
        cpus=available_cpus(environment.memory_megabytes),
    )
    emit_outcome(outcome, detector.classes or model.labels)
    return outcome.summary()
