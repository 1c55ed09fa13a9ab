"""Find all that a bucket of results holds of one video, which is a bucket and a key.

Two input buckets may have the same key, and their results then lie side by side. So nothing is
taken for a result of the video unless a file in it says so.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipeline.errors import BrokenError
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import LATEST, MANIFEST, REJECTION
from pipeline.storage.s3.attempts import RUNS_PREFIX, UPLOADS_PREFIX, Attempt, work_id
from pipeline.storage.video_folder import second_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.s3.versions import ObjectVersion, VersionedBucket

_RUN_FOLDER = re.compile(r"[0-9a-f]{16}/")
_READ_AT_ONCE = 1000
_PARALLEL_READS = 16


@dataclass(frozen=True)
class VideoKey:
    """A video by its place, with all its versions."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass
class Findings:
    """What belongs to a video.

    Attributes:
        folders: key prefixes of run folders, without a slash at the end.
        pointers: versions of `latest.json` that name a result of the video.
        runs: names of its runs below `pretag-work/`.
        uploads: versions of the decisions how its uploads end, each with the name of its run.
        working: for each run at which an attempt still works, when it ends at the latest, in
            seconds since 1970.
        unclear: keys and prefixes at the place of its results that do not say whose they are.
    """

    folders: list[str] = field(default_factory=list)
    pointers: list[ObjectVersion] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)
    uploads: dict[ObjectVersion, str] = field(default_factory=dict)
    working: dict[str, float] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)


def find_results(bucket: VersionedBucket, prefix: str, video: VideoKey, now: float) -> Findings:
    """Return what a bucket holds of a video.

    Reads all registrations and decisions below `pretag-work/`, because their names say nothing of
    the video: one request for each, 16 at a time.

    Args:
        bucket: the bucket of results.
        prefix: the prefix of the results, without a slash at the end; may be empty. Results below
            another prefix are found as long as a decision names them.
        video: the video.
        now: the time, in seconds since 1970.

    Raises:
        BrokenError, RetryableError: S3 refuses or fails.
    """
    findings = Findings()
    first = f"{prefix}/{video.key}" if prefix else video.key
    second = second_folder(first, {"bucket": video.bucket, "key": video.key})
    video_prefixes = (f"{first}/", f"{second}/")
    folders = _search_work(bucket, video, now, findings)
    folders |= {
        folder.removesuffix("/")
        for video_prefix in video_prefixes
        for folder in bucket.folders(video_prefix)
        if _RUN_FOLDER.fullmatch(folder.removeprefix(video_prefix))
    }
    for folder in sorted(folders):
        owners = _owners(bucket, folder)
        if video in owners or (not owners and work_id(folder) in findings.runs):
            findings.folders.append(folder)
            findings.runs.add(work_id(folder))
        elif not owners and any(not found.is_marker for found in bucket.versions(f"{folder}/")):
            findings.unclear.append(f"{folder}/")
    places = {*video_prefixes, *(f"{folder.rpartition('/')[0]}/" for folder in findings.folders)}
    for place in sorted(places):
        findings.pointers += _pointers(bucket, f"{place}{LATEST}", video, findings)
    return findings


def _search_work(
    bucket: VersionedBucket, video: VideoKey, now: float, findings: Findings
) -> set[str]:
    """Note the work of the video; return the run folders that its decisions name."""
    folders: set[str] = set()
    for version, content in _contents(bucket, RUNS_PREFIX):
        if content.get("video") != video.uri:
            continue
        run = version.key.removeprefix(RUNS_PREFIX).partition("/")[0]
        findings.runs.add(run)
        if "/attempts/" not in version.key:
            folders.add(content["folder"])
        elif version.is_latest:
            attempt = Attempt.from_json(json.dumps(content).encode())
            if not attempt.is_over(now):
                until = max(attempt.deadline, findings.working.get(run, 0.0))
                findings.working[run] = until
    for version, content in _contents(bucket, UPLOADS_PREFIX):
        if content.get("video") == video.uri:
            folders.add(content["folder"])
            findings.uploads[version] = work_id(content["folder"])
            findings.runs.add(work_id(content["folder"]))
    return folders


def _pointers(
    bucket: VersionedBucket, key: str, video: VideoKey, findings: Findings
) -> list[ObjectVersion]:
    """Return the versions of a `latest.json` that are of the video; note what is damaged."""
    found = [version for version in bucket.versions(key) if version.key == key]
    pointers: list[ObjectVersion] = []
    run_ids = {folder.rpartition("/")[2] for folder in findings.folders}
    for version in found:
        data = None if version.is_marker else bucket.read(version)
        if data is None:
            continue
        try:
            pointer = Pointer.parse(data, bucket.uri(key))
        except BrokenError:
            findings.unclear.append(key)
            continue
        is_promoted = pointer.source_bucket is None and pointer.run_id in run_ids
        if pointer.source_bucket == video.bucket or is_promoted:
            pointers.append(version)
    if len(pointers) == sum(not version.is_marker for version in found):
        pointers += [version for version in found if version.is_marker]
    return pointers


def _owners(bucket: VersionedBucket, folder: str) -> set[VideoKey]:
    """Return whose result a folder holds, by all versions of its manifest and its rejection."""
    owners = set()
    for name in (MANIFEST, REJECTION):
        for version in bucket.versions(f"{folder}/{name}"):
            if version.key != f"{folder}/{name}" or version.is_marker:
                continue
            said = _json(bucket.read(version)).get("source")
            if isinstance(said, dict) and {"bucket", "key"} <= said.keys():
                owners.add(VideoKey(said["bucket"], said["key"]))
    return owners


def _contents(
    bucket: VersionedBucket, prefix: str
) -> Iterator[tuple[ObjectVersion, dict[str, Any]]]:
    """Yield each version below a prefix with its content, as a JSON object."""
    versions = (version for version in bucket.versions(prefix) if not version.is_marker)
    with ThreadPoolExecutor(_PARALLEL_READS, thread_name_prefix="read") as executor:
        while batch := list(islice(versions, _READ_AT_ONCE)):
            yield from zip(batch, map(_json, executor.map(bucket.read, batch)), strict=True)


def _json(data: bytes | None) -> dict[str, Any]:
    """Return a JSON object; empty if the data is none."""
    try:
        value = json.loads(data or b"")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
