"""The models of the process. They stay loaded for later calls."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from pipeline.errors import BrokenError
from pipeline.storage.s3.client import s3_client
from pipeline.storage.s3.model_files import fetch_model_files

if TYPE_CHECKING:
    from pipeline.config.schema import DetectorConfig
    from pipeline.detection.model import Model
    from pipeline.resources.budget import Budget
    from pipeline.storage.s3.retries import Retries

logger = Logger(child=True)

_MODELS_KEPT = 2
_loaded: dict[tuple[str, tuple[str, ...], float], Model] = {}


def load_model(detector: DetectorConfig, retries: Retries, budget: Budget) -> Model:
    """Return a model, loaded or kept from an earlier call. The last two models are kept.

    Args:
        detector: the configuration of the detector.
        retries: the ladder for a model in S3.
        budget: the time and the memory that the function has, which bound a model in S3.

    Raises:
        BrokenError: the model cannot be used.
        RetryableError: S3 failed.
    """
    key = (detector.model, detector.providers, detector.max_megabytes)
    model = _loaded.pop(key, None)
    if model is None:
        # Evicted before the next one is loaded, so that three are never in memory.
        while len(_loaded) >= _MODELS_KEPT:
            del _loaded[next(iter(_loaded))]
        model = _load(detector, retries, budget)
        logger.info("Model loaded", extra={"model": model.name, "sha256": model.sha256})
    _loaded[key] = model
    return model


def _load(detector: DetectorConfig, retries: Retries, budget: Budget) -> Model:
    # The 44 modules of detection take half of the handler's own import time. Here, S3 answers
    # meanwhile.
    from pipeline.detection.card import CARD_SUFFIXES  # noqa: PLC0415
    from pipeline.detection.model import Model  # noqa: PLC0415
    from pipeline.detection.trial import TrialLimits  # noqa: PLC0415

    load = partial(
        Model.load,
        providers=detector.providers,
        max_megabytes=detector.max_megabytes,
        trial_limits=TrialLimits.within(budget),
    )
    if not detector.model.startswith("s3://"):
        return load(detector.model)
    # The file is removed after it was loaded, so that /tmp is free again.
    with TemporaryDirectory(prefix="pretag-model-") as folder:
        file = fetch_model_files(
            s3_client(),
            detector.model,
            Path(folder),
            card_suffixes=CARD_SUFFIXES,
            max_megabytes=detector.max_megabytes,
            retries=retries,
        )
        try:
            return load(str(file))
        except BrokenError as error:
            raise BrokenError(f"{detector.model}, as fetched from S3: {error}") from error
