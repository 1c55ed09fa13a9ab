"""Digests that identify a run: of files, and of values as canonical JSON."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def sha256_of_file(path: Path) -> str:
    """Return the sha256 (hex) of a file's content. The file is read in blocks.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: object) -> str:
    """Return the sha256 (hex) of a value as JSON with sorted keys, no spaces, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def run_id(
    identity: Mapping[str, str],
    config_digest: str,
    model_digest: str,
    computed_by: Mapping[str, str],
) -> str:
    """Return the run id: 16 hex digits that change whenever the result can change.

    Args:
        identity: identifies the version of the video: bucket, key and version, or the sha256 of
            its content.
        config_digest: digest of the effective configuration.
        model_digest: digest of the model file and its card.
        computed_by: what computes the result: versions of the software, and the architecture.
    """
    parts = {
        "source": dict(identity),
        "config": config_digest,
        "model": model_digest,
        "computed_by": dict(computed_by),
    }
    return sha256_of_json(parts)[:16]
