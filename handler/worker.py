"""The jobs of an event, each on its way to the output bucket."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.events import Skip
from handler.metrics import emit_outcome, emit_superseded
from handler.s3 import read_text, s3_client, split_uri
from handler.s3_model import load_from_s3
from handler.s3_sink import S3Sink
from handler.s3_video import S3Video
from pipeline.cpus import available_cpus
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import SupersededError
from pipeline.run import annotate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handler.environment import Environment
    from handler.events import Job
    from pipeline.config import Config

logger = Logger(child=True)


@lru_cache(maxsize=2)
def _load_model(model: str, providers: tuple[str, ...], max_megabytes: float) -> Model:
    """Load a model once a process: a warm call finds it here, and the one used before it."""
    if model.startswith("s3://"):
        loaded = load_from_s3(s3_client(), model, providers, max_megabytes)
    else:
        loaded = Model.load(model, providers, max_megabytes)
    logger.info("Model loaded", extra={"model": loaded.name, "sha256": loaded.sha256})
    return loaded


def work_through(jobs: Iterable[Job | Skip], environment: Environment) -> dict[str, Any]:
    """Work on each job, then raise the first failure that is not the video's own.

    Returns:
        The summary: each job's line, among `videos` or `skipped`.

    Raises:
        PretagError: retryable or broken.
    """
    summary: dict[str, Any] = {"videos": [], "skipped": []}
    failures: list[Exception] = []
    for job in jobs:
        try:
            outcome = work(job, environment)
        except Exception as error:  # the other records come first; it is raised below
            logger.exception("Video failed", extra={"job": job})
            failures.append(error)
            continue
        logger.info("Worked", extra={"outcome": outcome})
        summary["skipped" if "skipped" in outcome else "videos"].append(outcome)
    if failures:
        raise failures[0]
    return summary


def work(job: Job | Skip, environment: Environment) -> dict[str, Any]:
    """Annotate one object, put its dataset into the output bucket, and print its metrics.

    Returns:
        The job's line of the summary: done, rejected, superseded or skipped.

    Raises:
        PretagError: retryable or broken.
    """
    if isinstance(job, Skip):
        return job.summary()
    suffixes = environment.video_suffixes
    # endswith, not a path's suffix: "x.mp4/" is what S3's console makes of a folder.
    if not job.named and not job.key.lower().endswith(suffixes):
        return Skip(job.uri, f"its suffix is not one of {' '.join(suffixes)}").summary()
    try:
        return _annotated(job, environment)
    except SupersededError as error:
        emit_superseded(job.uri)
        return {"video": job.uri, "status": "superseded", "message": str(error)}


def effective_config(environment: Environment, job: Job) -> Config:
    """Return the configuration: `PRETAG_CONFIG`'s file, the environment, the event's own.

    Raises:
        ConfigError: a key or value is wrong.
        BrokenError, RetryableError: the file cannot be read.
    """
    # pydantic takes a fifth of the cold start to import; here, S3 answers meanwhile.
    from pipeline import config_layers  # noqa: PLC0415

    layers = []
    if environment.config_file is not None:
        text = read_text(environment.config_file, s3_client())
        layers.append(config_layers.file_layer(environment.config_file, text))
    layers.append(config_layers.environment_layer(os.environ))
    layers.append(config_layers.tree_layer("the event", job.config))
    return config_layers.merge(*layers)


def _annotated(job: Job, environment: Environment) -> dict[str, Any]:
    client = s3_client()
    bucket, prefix = split_uri(job.output or environment.output)
    with ThreadPoolExecutor(max_workers=1) as beside:
        asked = beside.submit(S3Video.of, job, client)  # S3 answers while the model loads
        config = effective_config(environment, job)
        wanted = config.detector
        model = _load_model(wanted.model, wanted.providers, wanted.max_megabytes)
    outcome = annotate(
        asked.result(),
        config,
        Detector(model, config.detector),
        lambda run_id: S3Sink(client, bucket, prefix, job.key, run_id),
        cpus=available_cpus(environment.memory_megabytes),
    )
    emit_outcome(outcome, config.detector.classes or model.labels)
    return outcome.summary()
