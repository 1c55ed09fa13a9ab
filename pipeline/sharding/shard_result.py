"""The result of one shard, and its exact form in bytes.

A numpy archive (`.npz`) without pickled objects: a column for each field of the records, one row
for each detection, one for each fingerprint, and the rest as JSON. 600 sampled frames with 100 kept
take up to 300 KB.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from imagehash import ImageHash

from pipeline.coverage import Coverage
from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.thumbnails import Thumbnail
from pipeline.deduplication.fingerprint import Fingerprint
from pipeline.detection.counters import DetectorCounters
from pipeline.runlog import StageLog
from pipeline.storage.written_file import WrittenFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_META = "meta"


@dataclass(frozen=True)
class ShardResult:
    """All that the merge needs of one shard.

    Attributes:
        number: that of the shard in the plan.
        records: a record for each sampled frame, as its segment alone decides.
        fingerprints: the fingerprint of each kept frame in order; none with `dedupe.method: none`.
        images: the image files that were written, one for each kept frame if images are wanted.
        coverage: what was decoded, counted from the shard's first key frame to the next shard's;
            with `sampling.snap: key` from after the sample before to its own last one. Nothing is
            missing, or there would be no result.
        duration_ms: presentation time of the last frame that was counted.
        stages: counts and times of the stages.
        counters: what the detector counted.
        thumbnails: those of some kept frames, for the report.
        note: what a person has to know of the choice of samples, the same in all shards.
        seconds: time that the shard took.
        peak_megabytes, decoder_megabytes: peak memory, as `RunLog` has it.
        archive: name of the archive that has the images; None: each is a file of its own.
    """

    number: int
    records: FrameTable
    fingerprints: tuple[Fingerprint, ...]
    images: tuple[WrittenFile, ...]
    coverage: Coverage
    duration_ms: float
    stages: tuple[StageLog, ...]
    counters: DetectorCounters = field(default_factory=DetectorCounters)
    thumbnails: tuple[Thumbnail, ...] = ()
    note: str | None = None
    seconds: float = 0.0
    peak_megabytes: float = 0.0
    decoder_megabytes: float = 0.0
    archive: str | None = None

    def to_bytes(self) -> bytes:
        """Return the result as bytes."""
        meta = {
            "number": self.number,
            "decoded": self.coverage.decoded,
            "skipped": self.coverage.skipped,
            "duration_ms": self.duration_ms,
            "stages": [asdict(stage) for stage in self.stages],
            "counters": asdict(self.counters),
            "note": self.note,
            "seconds": self.seconds,
            "peak_megabytes": self.peak_megabytes,
            "decoder_megabytes": self.decoder_megabytes,
            "images": [each.path for each in self.images],
            "archive": self.archive,
        }
        text = json.dumps(meta, separators=(",", ":")).encode()
        columns = {
            _META: np.frombuffer(text, np.uint8),
            **self.records.columns(),
            **_fingerprint_columns(self.fingerprints),
            **_thumbnail_columns(self.thumbnails),
            "image_bytes": np.array([each.size_bytes for each in self.images], np.int64),
            "image_offset": np.array([each.offset or 0 for each in self.images], np.int64),
            "image_sha256": _digests(self.images),
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **columns)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the result that `to_bytes` wrote.

        Raises:
            ValueError: the bytes are no result of a shard.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                columns = dict(archive)
            return cls._from_columns(columns, json.loads(bytes(columns[_META])))
        except (zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"These bytes are no result of a shard: {error}") from error

    @classmethod
    def _from_columns(cls, columns: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        archive = meta["archive"]
        names = ("image_bytes", "image_sha256", "image_offset")
        images = zip(meta["images"], *(columns[name] for name in names), strict=True)
        return cls(
            number=meta["number"],
            records=FrameTable.of_columns(columns),
            fingerprints=tuple(_fingerprints(columns)),
            thumbnails=tuple(_thumbnails(columns)),
            images=tuple(
                WrittenFile(
                    path, int(size), bytes(digest).hex(), None if archive is None else int(offset)
                )
                for path, size, digest, offset in images
            ),
            coverage=Coverage(meta["decoded"], meta["skipped"]),
            duration_ms=meta["duration_ms"],
            stages=tuple(StageLog(**stage) for stage in meta["stages"]),
            counters=DetectorCounters(**meta["counters"]),
            note=meta["note"],
            seconds=meta["seconds"],
            peak_megabytes=meta["peak_megabytes"],
            decoder_megabytes=meta["decoder_megabytes"],
            archive=archive,
        )


def _fingerprint_columns(fingerprints: Sequence[Fingerprint]) -> dict[str, NDArray[Any]]:
    hashes = np.array([each.hash.hash for each in fingerprints], np.bool_)
    means = np.array([each.area_means for each in fingerprints], np.uint8)
    details = [each.detail for each in fingerprints]
    return {
        "hash_bits": hashes,
        "area_means": means,
        "texture": np.array([each.texture for each in fingerprints], np.float64),
        "mean_luma": np.array([each.mean_luma for each in fingerprints], np.int32),
        "detail": np.array([each.ravel() for each in details], np.uint8),
        "detail_rows": np.array([len(each) for each in details], np.int32),
    }


def _fingerprints(columns: Mapping[str, NDArray[Any]]) -> Iterator[Fingerprint]:
    names = ("hash_bits", "area_means", "texture", "mean_luma", "detail", "detail_rows")
    for bits, means, texture, mean_luma, cells, rows in zip(
        *(columns[name] for name in names), strict=True
    ):
        detail = cells.reshape(rows, -1)
        yield Fingerprint(ImageHash(bits), means, float(texture), int(mean_luma), detail)


def _thumbnail_columns(thumbnails: Sequence[Thumbnail]) -> dict[str, NDArray[Any]]:
    return {
        "thumbnail_index": np.array([each.index for each in thumbnails], np.int64),
        "thumbnail_ms": np.array([each.pts_ms for each in thumbnails], np.float64),
        "thumbnail_bytes": np.array([len(each.jpeg) for each in thumbnails], np.int64),
        "thumbnail_jpeg": np.frombuffer(b"".join(each.jpeg for each in thumbnails), np.uint8),
    }


def _thumbnails(columns: Mapping[str, NDArray[Any]]) -> Iterator[Thumbnail]:
    names = ("thumbnail_index", "thumbnail_ms", "thumbnail_bytes")
    jpegs, start = columns["thumbnail_jpeg"].tobytes(), 0
    for index, pts_ms, size in zip(*(columns[name].tolist() for name in names), strict=True):
        yield Thumbnail(index, pts_ms, jpegs[start : start + size])
        start += size


def _digests(images: Sequence[WrittenFile]) -> NDArray[np.uint8]:
    joined = b"".join(bytes.fromhex(each.sha256) for each in images)
    return np.frombuffer(joined, np.uint8).reshape(-1, 32)
