"""What an invocation needs to work on a divided run: the video, the configuration, the detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.models import load_model
from pipeline.decoding.process.spare import prepare_decoder
from pipeline.errors import BrokenError
from pipeline.run import run_id_of
from pipeline.storage.s3.client import s3_client
from pipeline.storage.s3.video import S3Video

if TYPE_CHECKING:
    from handler.output import JobOutput
    from handler.run_plan import RunPlan
    from pipeline.config.schema import Config
    from pipeline.detection.detector import Detector
    from pipeline.detection.model import Model


@dataclass(frozen=True)
class Prepared:
    """What an invocation needs to work on a divided run."""

    video: S3Video
    config: Config
    model: Model

    @property
    def detector(self) -> Detector:
        """A new detector."""
        from pipeline.detection.detector import Detector  # noqa: PLC0415 - see load_model

        return Detector(self.model, self.config.detector)


def find_video(plan: RunPlan, output: JobOutput) -> S3Video:
    """Find the planned version of the video.

    Raises:
        SupersededError: the video was replaced or deleted.
        BrokenError, RetryableError: S3 did not return it.
    """
    return S3Video.find(
        s3_client(),
        plan.job.bucket,
        plan.job.key,
        version_id=plan.identity.get("version_id"),
        etag=plan.identity["etag"],
        retries=output.retries,
    )


def prepare(plan: RunPlan, output: JobOutput) -> Prepared:
    """Find the planned version of the video, and load the model.

    Raises:
        SupersededError: the video was replaced or deleted.
        BrokenError: this function would compute another run, or the deployment is at fault.
        RetryableError: S3 failed.
    """
    prepare_decoder()
    video = find_video(plan, output)
    config = plan.effective_config()
    ready = Prepared(video, config, load_model(config.detector, output.retries, output.budget))
    if run_id_of(video, config, ready.detector) != plan.run_id:
        raise BrokenError(
            f"The run {plan.run_id} of {plan.job.uri} was planned with another model or another "
            "version of pretag. Send the event of the video again: it is planned anew."
        )
    return ready
