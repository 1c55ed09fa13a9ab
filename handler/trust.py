"""What an event may name and ask for. docs/trust.md says the same in words.

Whoever may invoke the function may send a direct event. Whoever may send a message to a queue or a
topic may only say that there is a new object in an input bucket. And no event can make a video cost
more than the deployed configuration allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from handler.config_size import check_size
from handler.fields import shown
from handler.result_keys import check_prefix
from pipeline.errors import BrokenError
from pipeline.storage.s3.client import split_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handler.environment import Environment
    from handler.jobs import Job
    from pipeline.config.schema import Config


class Rule(Enum):
    """How a value of an event may differ from the deployed value of the same config key."""

    FREE = "any value"
    AT_MOST = "not greater"
    AT_LEAST = "not less"
    SOME = "some of them"
    NEVER = "not at all"
    MODEL = "a bundled model, or one below the model prefix"


RULES = {
    "sampling.every_seconds": Rule.AT_LEAST,
    "sampling.start_seconds": Rule.AT_LEAST,
    "sampling.end_seconds": Rule.AT_MOST,
    "sampling.pick": Rule.FREE,
    "sampling.snap": Rule.NEVER,
    "dedupe.method": Rule.FREE,
    "dedupe.hash_size": Rule.FREE,
    "dedupe.max_distance": Rule.FREE,
    "dedupe.keep_small_changes": Rule.FREE,
    "dedupe.compare_with": Rule.AT_MOST,
    "segment.seconds": Rule.FREE,
    "detector.model": Rule.MODEL,
    "detector.score_threshold": Rule.AT_LEAST,
    "detector.iou_threshold": Rule.AT_MOST,
    "detector.classes": Rule.FREE,
    "detector.tiles": Rule.AT_MOST,
    "detector.tile_overlap": Rule.FREE,
    "detector.max_megabytes": Rule.AT_MOST,
    "detector.providers": Rule.NEVER,
    "decoding.backend": Rule.NEVER,
    "decoding.square_pixels": Rule.AT_MOST,
    "limits.gigabytes": Rule.AT_MOST,
    "limits.megapixels": Rule.AT_MOST,
    "limits.hours": Rule.AT_MOST,
    "limits.streams": Rule.AT_MOST,
    "limits.codecs": Rule.NEVER,
    "limits.stalled_seconds": Rule.AT_MOST,
    "output.images": Rule.AT_MOST,
    "output.archive": Rule.NEVER,
    "output.jpeg_quality": Rule.AT_MOST,
    "output.class_names": Rule.FREE,
    "output.categories": Rule.FREE,
    "output.exports": Rule.SOME,
    "drift.baseline": Rule.NEVER,
}
"""The rule of each config key. A key without a rule is refused."""

# What null stands for in a comparison. A threshold of null is the model's own, which is not known
# here: an event may then go down to 0.1, or up to 0.9. Lower scores and higher overlaps make
# thousands of boxes in each frame.
_NULL = {
    "sampling.end_seconds": math.inf,
    "dedupe.compare_with": math.inf,
    "detector.score_threshold": 0.1,
    "detector.iou_threshold": 0.9,
}


def check_sender(*, is_message: bool) -> None:
    """Check that a direct event was not carried by a queue or a topic.

    Raises:
        BrokenError: it was.
    """
    if is_message:
        raise BrokenError(
            "A message of a queue or a topic contains a direct event. Only who may invoke the "
            "function may send one: send it again with `aws lambda invoke`. docs/trust.md says why."
        )


@dataclass(frozen=True)
class Trust:
    """What the events of this deployment may name.

    Attributes:
        input_buckets: the buckets whose videos an event may name.
        output_bucket: the bucket in which a direct event may name a prefix.
        models: `s3://bucket/prefix/` below which a direct event may name a model; None: nowhere.
    """

    input_buckets: tuple[str, ...]
    output_bucket: str
    models: str | None

    @classmethod
    def of(cls, environment: Environment) -> Trust:
        """Return what the deployment allows."""
        bucket, _ = split_uri(environment.output)
        return cls(environment.input_buckets, bucket, environment.models)

    def check_job(self, job: Job) -> None:
        """Check what a job names, before anything is requested.

        Raises:
            BrokenError: it names a bucket, a prefix or a size of the configuration that events may
                not name.
        """
        if job.bucket not in self.input_buckets:
            raise BrokenError(
                f"The event names the bucket {shown(job.bucket)}. Events may name videos in "
                f"{', '.join(self.input_buckets)} only: see INPUT_BUCKETS in docs/trust.md."
            )
        if job.output is not None:
            self._check_output(job.output)
        check_size(job.config)

    def check_config(self, deployed: Config, wanted: Config) -> None:
        """Check the configuration that an event makes of the deployed one.

        Args:
            deployed: the configuration without the event.
            wanted: the configuration with the event.

        Raises:
            BrokenError: a value is not allowed; the message has the key and what is allowed.
        """
        for key, before, after in _changes(deployed, wanted):
            rule = RULES.get(key, Rule.NEVER)
            if rule is Rule.MODEL:
                self._check_model(str(after))
            elif rule is Rule.NEVER or not _is_allowed(key, rule, before, after):
                raise BrokenError(
                    f"The event sets {key} to {_told(after)}, and the deployed value is "
                    f"{_told(before)}. {_REASONS[rule]} docs/trust.md has the rules."
                )

    def _check_output(self, output: str) -> None:
        bucket, prefix = split_uri(output)
        if bucket != self.output_bucket:
            raise BrokenError(
                f"The event names the output {shown(output)}. Events may name prefixes in the "
                f"output bucket only: s3://{self.output_bucket}/..."
            )
        check_prefix(prefix, "The output prefix of the event")

    def _check_model(self, model: str) -> None:
        # Imported late: see load_model.
        from pipeline.detection.model_folder import bundled_models  # noqa: PLC0415

        bundled = [path.stem for path in bundled_models()]
        if model in bundled or (self.models is not None and model.startswith(self.models)):
            return
        below = "" if self.models is None else f", or a model below {self.models}"
        raise BrokenError(
            f"The event names the model {shown(model)}. Events may name a bundled model "
            f"({', '.join(bundled)}){below} only."
        )


_REASONS = {
    Rule.AT_MOST: "An event may lower it, and never raise it, because that costs more.",
    Rule.AT_LEAST: "An event may raise it, and never lower it, because that costs more.",
    Rule.SOME: "An event may leave some out, and add none, because that costs more.",
    Rule.NEVER: "Only the deployment may set it.",
}


def _changes(deployed: Config, wanted: Config) -> Iterator[tuple[str, Any, Any]]:
    """Yield key, deployed value and wanted value of each config key that differs."""
    for section in type(deployed).model_fields:
        before, after = getattr(deployed, section), getattr(wanted, section)
        for name in type(before).model_fields:
            values = getattr(before, name), getattr(after, name)
            if values[0] != values[1]:
                yield f"{section}.{name}", *values


def _is_allowed(key: str, rule: Rule, before: Any, after: Any) -> bool:  # noqa: ANN401 - any value
    if rule is Rule.FREE:
        return True
    if rule is Rule.SOME:
        return set(after) <= set(before)
    deployed: float = _NULL[key] if before is None else before
    wanted: float = _NULL[key] if after is None else after
    return wanted <= deployed if rule is Rule.AT_MOST else wanted >= deployed


def _told(value: object) -> str:
    return shown("null" if value is None else str(value))
