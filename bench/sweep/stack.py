"""A deployed stack, with the clips in its input bucket."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from bench.sweep.measure import Clip
from bench.sweep.versions import versions_of
from deploy.smoke.deployed import Deployed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.sweep.versions import Versions

_FOLDER = "pretag-sweep/"
_LONGEST_SECONDS = 900


@contextmanager
def functions_and_clips(
    name: str, sizes: Sequence[int], files: Mapping[str, Path], clip_seconds: float
) -> Iterator[tuple[Versions, list[Clip]]]:
    """Upload clips, and publish a version of the function for each size.

    All of it, and all results, are removed after the block. The uploads are processed by the stack
    as all uploads are, so each clip costs one run more.
    """
    deployed = Deployed.named(name)
    config = Config(read_timeout=_LONGEST_SECONDS + 10, retries={"total_max_attempts": 1})
    client = boto3.client("lambda", config=config)
    folder = f"{deployed.parameters['InputPrefix']}{_FOLDER}{uuid.uuid4().hex}/"
    keys = {name: f"{folder}{path.name}" for name, path in files.items()}
    try:
        for clip, path in files.items():
            deployed.upload(keys[clip], path.read_bytes())
        found = [Clip(clip, deployed.uri(key), clip_seconds) for clip, key in keys.items()]
        with versions_of(client, deployed.outputs["Function"], sizes) as functions:
            yield functions, found
    finally:
        for key in keys.values():
            deployed.remove(key)
