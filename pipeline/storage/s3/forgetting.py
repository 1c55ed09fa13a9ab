"""Remove all results of a video for ever, in an order that can be taken up again.

What says whose the other objects are goes last: manifests, rejections and decisions. So a call that
was cut off leaves nothing that the next call does not find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.storage.result_store import MANIFEST, REJECTION
from pipeline.storage.s3.attempts import FILES_PREFIX, RUNS_PREFIX, work_id
from pipeline.storage.s3.decision import Decision
from pipeline.storage.s3.versions import Total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.storage.s3.result_search import Findings
    from pipeline.storage.s3.versions import ObjectVersion, VersionedBucket

_LAST = (MANIFEST, REJECTION, "decision.json")


@dataclass(frozen=True)
class Removal:
    """Objects that are removed together.

    Attributes:
        location: their `s3://` URI or prefix.
        total: their number and size.
    """

    location: str
    total: Total


def removals(bucket: VersionedBucket, findings: Findings) -> Iterator[Removal]:
    """Yield what `forget` would remove. Nothing is changed.

    Raises:
        BrokenError, RetryableError: S3 refuses or fails.
    """
    yield from _of_pointers(bucket, findings)
    for prefix in _prefixes(findings):
        yield _counted(bucket.uri(prefix), bucket.versions(prefix))


def forget(bucket: VersionedBucket, findings: Findings) -> Iterator[Removal]:
    """Remove what was found, except runs at which an attempt still works. Yield what is gone.

    First the decisions of its uploads become `superseded`, so that an event that comes again
    computes nothing. The new decisions name neither the video nor a result.

    Raises:
        BrokenError, RetryableError: S3 refuses or fails. Call it again with new findings.
    """
    _supersede_uploads(bucket, findings)
    bucket.delete(findings.pointers)
    yield from _of_pointers(bucket, findings)
    for prefix in _prefixes(findings):
        yield _remove_all(bucket, prefix)


def _supersede_uploads(bucket: VersionedBucket, findings: Findings) -> None:
    decision = Decision("superseded", folder="", attempt="forgotten")
    settled = [version for version, run in findings.uploads.items() if run not in findings.working]
    written = {
        (version.key, bucket.put(version.key, decision.data()))
        for version in settled
        if version.is_latest
    }
    bucket.delete(
        version for version in settled if (version.key, version.version_id) not in written
    )


def _prefixes(findings: Findings) -> Iterator[str]:
    """Yield the prefixes below which everything is removed, in this order."""
    for folder in findings.folders:
        if work_id(folder) not in findings.working:
            yield f"{folder}/"
    for run in sorted(findings.runs - findings.working.keys()):
        yield f"{FILES_PREFIX}{run}/"
        yield f"{RUNS_PREFIX}{run}/"


def _of_pointers(bucket: VersionedBucket, findings: Findings) -> Iterator[Removal]:
    keys = sorted({version.key for version in findings.pointers})
    for key in keys:
        yield _counted(bucket.uri(key), (each for each in findings.pointers if each.key == key))


def _remove_all(bucket: VersionedBucket, prefix: str) -> Removal:
    """Remove all versions below a prefix, page by page."""
    last: list[ObjectVersion] = []
    names = {f"{prefix}{name}" for name in _LAST}

    def removed_first() -> Iterator[ObjectVersion]:
        for version in bucket.versions(prefix):
            if version.key in names:
                last.append(version)
            else:
                yield version

    total = Total()
    bucket.delete(total.counting(removed_first()))
    bucket.delete(total.counting(last))
    return Removal(bucket.uri(prefix), total)


def _counted(location: str, versions: Iterable[ObjectVersion]) -> Removal:
    total = Total()
    for _ in total.counting(versions):
        pass
    return Removal(location, total)
