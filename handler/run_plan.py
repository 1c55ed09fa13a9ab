"""The plan of a divided run, as it lies in the bucket: what each of its invocations has to know."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from handler.jobs import Job
from pipeline.storage.result_store import json_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.config.schema import Config
    from pipeline.sharding.plan import Plan


@dataclass(frozen=True)
class RunPlan:
    """The plan of a divided run.

    Attributes:
        job: what the event asked for.
        identity: the version of the video, as it was found. Each shard reads this version.
        folder: key prefix of the run's visible folder.
        run_id: the run id: each invocation compares it with what it would compute itself.
        config: the effective configuration, as JSON.
        division: the shards, as `Plan.to_json` has them.
    """

    job: Job
    identity: Mapping[str, str]
    folder: str
    run_id: str
    config: Mapping[str, Any]
    division: Mapping[str, Any]

    def is_of(self, job: Job) -> bool:
        """Tell whether a job tells of the same upload; any two direct events do."""
        planned, told = self.job.upload, job.upload
        return (planned and planned.id) == (told and told.id)

    @property
    def shards(self) -> int:
        """The number of shards."""
        return len(self.division["shards"])

    def plan(self) -> Plan:
        """Return the shards."""
        from pipeline.sharding.plan import Plan  # noqa: PLC0415 - only long videos need it

        return Plan.from_json(self.division)

    def effective_config(self) -> Config:
        """Return the effective configuration."""
        from pipeline.config.schema import Config  # noqa: PLC0415 - see worker.effective_config

        return Config.model_validate(self.config)

    def data(self) -> bytes:
        """Return the plan as JSON. `video` and `folder` are for `pretag forget`."""
        job = {**asdict(self.job), "config": dict(self.job.config), "failed_execution": None}
        return json_bytes({"video": self.job.uri, **vars(self), "job": job})

    @classmethod
    def from_json(cls, data: bytes) -> RunPlan:
        """Return the plan that `data` wrote."""
        value = json.loads(data)
        del value["video"]
        return cls(**{**value, "job": Job(**value["job"])})
