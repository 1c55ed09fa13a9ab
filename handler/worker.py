"""A job's way from the event to the output bucket."""

import os
from functools import lru_cache
from typing import Any

from handler.environment import Environment
from handler.events import Job
from handler.metrics import emit_outcome
from handler.s3 import S3Sink, S3Video, read_text, s3_client
from pipeline import config_layers
from pipeline.config import Config
from pipeline.cpus import available_cpus, limit_threads
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.run import annotate

# Loaded once a process: a warm call finds its model here.
_load_model = lru_cache(maxsize=2)(Model.load)


def effective_config(environment: Environment) -> Config:
    """Return the configuration: the file that `PRETAG_CONFIG` names, then the environment.

    Raises:
        ConfigError: a key or value is wrong.
        BrokenError, RetryableError: the file cannot be read.
    """
    layers = []
    if environment.config_file is not None:
        text = read_text(environment.config_file, s3_client())
        layers.append(config_layers.file_layer(environment.config_file, text))
    return config_layers.merge(*layers, config_layers.environment_layer(os.environ))


def work(job: Job, config: Config, environment: Environment) -> dict[str, Any]:
    """Annotate one object, put its dataset into the output bucket, and print its metrics.

    Returns:
        The video's line of the summary.

    Raises:
        PretagError: superseded, retryable or broken.
    """
    client = s3_client()
    cpus = available_cpus(environment.memory_megabytes)
    limit_threads(cpus)
    model = _load_model(config.detector.model, cpus)
    outcome = annotate(
        S3Video.of(job, client),
        config,
        Detector(model, config.detector),
        lambda run_id: S3Sink(
            client, environment.output_bucket, environment.output_prefix, job.key, run_id
        ),
    )
    emit_outcome(outcome, config.detector.classes or model.labels)
    return outcome.summary()
