"""Process the jobs of an event: S3 object -> annotate -> result in the output bucket."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.correlation import correlated
from handler.jobs import Skip, Unreadable
from handler.long_videos import LongVideo
from handler.metrics import emit_divided, emit_outcome, emit_superseded
from handler.models import load_model
from handler.output import JobOutput
from handler.trust import Trust
from handler.unread_videos import reject
from pipeline.concurrency.cpus import available_cpus
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.errors import HandedOverError, RejectedError, RetryableError, SupersededError
from pipeline.outcome import Outcome
from pipeline.resources.hand_over import NoHandOver
from pipeline.run import annotate, run_id_of
from pipeline.runlog import RunLog
from pipeline.storage.s3.attempt_context import settled_result
from pipeline.storage.s3.client import read_text, s3_client
from pipeline.storage.s3.publication import supersede
from pipeline.storage.s3.video import S3Video

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from handler.environment import Environment
    from handler.invocation import Invocation
    from handler.jobs import Item, Job
    from pipeline.config.schema import Config
    from pipeline.detection.model import Model
    from pipeline.resources.hand_over import HandOver
    from pipeline.storage.s3.retries import Retries

logger = Logger(child=True)


def process_jobs(
    jobs: Iterable[Item], environment: Environment, invocation: Invocation
) -> dict[str, Any]:
    """Process each job. Then raise the first error that is not the fault of a video.

    A record that cannot be read is such an error.

    Returns:
        The summary: one object for each job, in `videos` or in `skipped`.

    Raises:
        PretagError: retryable or broken.
    """
    summary: dict[str, Any] = {"videos": [], "skipped": []}
    failures: list[Exception] = []
    for job in jobs:
        with correlated(job):
            try:
                outcome = process_job(job, environment, invocation)
            except Exception as error:  # raised below, after the other jobs
                logger.exception("Video failed", extra={"job": job.what})
                failures.append(error)
                continue
            logger.info("Video processed", extra={"outcome": outcome})
        summary["skipped" if "skipped" in outcome else "videos"].append(outcome)
    if failures:
        raise failures[0]
    return summary


def process_job(job: Item, environment: Environment, invocation: Invocation) -> dict[str, Any]:
    """Annotate one object, write its result to the output bucket, and print its metrics.

    Returns:
        The job's entry in the summary: done, rejected, repeated, superseded, skipped or divided.

    Raises:
        PretagError: retryable or broken.
    """
    if isinstance(job, Skip):
        return job.summary()
    if isinstance(job, Unreadable):
        raise job.error()
    Trust.of(environment).check_job(job)
    suffixes = environment.video_suffixes
    # `endswith` and not the path's suffix: S3's console makes a folder as an object "x.mp4/".
    if not job.named and not job.key.lower().endswith(suffixes):
        return Skip(job.uri, f"its suffix is not one of {' '.join(suffixes)}").summary()
    logger.info(
        "Video received",
        extra={
            "video": job.uri,
            "version_id": job.version_id,
            "etag": job.etag,
            "sequencer": job.sequencer,
        },
    )
    output = JobOutput(job, environment, invocation)
    # Looked up first, so that a repeated event costs no work and cannot fail any more.
    result = settled_result(output.attempt(), None)
    if result is None:
        try:
            return _processed(job, environment, output)
        except SupersededError as error:
            if job.named:  # no other event tells of the object
                raise RetryableError(f"{error} It is tried again.") from error
            result = supersede(output.attempt())
            if result is None:
                emit_superseded(job.uri)
                return {"video": job.uri, "status": "superseded", "message": str(error)}
    return _tell(Outcome.published(job.uri, RunLog().finished(), result), ())


def _processed(job: Job, environment: Environment, output: JobOutput) -> dict[str, Any]:
    """Annotate one object, reject it, or hand it over; return its entry in the summary."""
    try:
        return _tell(*_annotated(job, environment, output))
    except HandedOverError as handed_over:
        emit_divided(job.uri)
        return {
            "video": job.uri,
            "status": "divided",
            "execution": handed_over.execution,
            "shards": handed_over.shards,
            "message": str(handed_over),
        }
    except RejectedError as error:
        return _tell(reject(job, output, error), ())


def _tell(outcome: Outcome, labels: tuple[str, ...]) -> dict[str, Any]:
    emit_outcome(outcome, labels)
    return outcome.summary()


def effective_config(environment: Environment, job: Job, retries: Retries) -> Config:
    """Return the configuration from the file of `PRETAG_CONFIG`, the environment and the event.

    Raises:
        ConfigError: a key or value is wrong.
        BrokenError: the event sets a value that it may not set.
        BrokenError, RetryableError: the config file cannot be read.
    """
    # pydantic takes a fifth of the cold start to import. Here, S3 answers meanwhile.
    from pipeline.config import layers  # noqa: PLC0415

    deployed = []
    if environment.config_file is not None:
        text = read_text(environment.config_file, s3_client(), retries)
        deployed.append(layers.file_layer(environment.config_file, text))
    deployed.append(layers.environment_layer(os.environ))
    config = layers.merge(*deployed)
    if not job.config:
        return config
    wanted = layers.merge(*deployed, layers.tree_layer("the event", job.config))
    Trust.of(environment).check_config(config, wanted)
    return wanted


def _annotated(
    job: Job, environment: Environment, output: JobOutput
) -> tuple[Outcome, tuple[str, ...]]:
    """Annotate one object; return the outcome, and the labels that may become metrics.

    Raises:
        RejectedError: nothing of the object was read, and nothing was written.
        SupersededError: the object was replaced or deleted.
        BrokenError, RetryableError: the deployment is at fault, or a service failed.
    """
    too_long = output.keys.too_long()
    if too_long is not None:
        raise too_long
    client, retries = s3_client(), output.retries
    prepare_decoder()
    with ThreadPoolExecutor(max_workers=1) as executor:
        # S3 answers while the model loads.
        finding = executor.submit(
            S3Video.find,
            client,
            job.bucket,
            job.key,
            version_id=job.version_id,
            etag=job.etag,
            retries=retries,
        )
        config = effective_config(environment, job, retries)
        model = load_model(config.detector, retries, output.budget)
    # Imported late: see load_model.
    from pipeline.detection.detector import Detector  # noqa: PLC0415

    video = _found(job, finding)
    detector = Detector(model, config.detector)
    hand_over: HandOver = NoHandOver()
    run_id, settings = run_id_of(video, config, detector), environment.long_videos
    store = output.store(video, run_id)
    if settings is not None:
        hand_over = LongVideo(job, environment, settings, output, video, config, run_id, store)
    outcome = annotate(
        video,
        config,
        detector,
        lambda _run_id: store,
        cpus=available_cpus(environment.memory_megabytes),
        budget=output.budget,
        hand_over=hand_over,
    )
    return outcome, metric_labels(job, model, config)


def _found(job: Job, finding: Future[S3Video]) -> S3Video:
    """Return the video.

    Raises:
        RejectedError: a person named an object that does not exist.
        SupersededError: the object of an upload was replaced or deleted.
        BrokenError, RetryableError: S3 did not return it.
    """
    try:
        return finding.result()
    except SupersededError as error:
        if not job.named:
            raise
        raise RejectedError(
            "not_found", f"{job.uri} does not exist. Check the key, and send the event again."
        ) from error


def metric_labels(job: Job, model: Model, config: Config) -> tuple[str, ...]:
    """Return the labels that may become metrics: none if the event names a model or classes."""
    from pipeline.config import layers  # noqa: PLC0415 - see effective_config

    # Imported late: see load_model.
    from pipeline.dataset.classes import final_labels  # noqa: PLC0415

    values = layers.tree_layer("the event", job.config).values
    if "detector.model" in values or "output.class_names" in values:
        return ()
    return final_labels(model.labels, config.output.class_names)
