"""What typical videos take and cost, computed from measured inputs: see docs/cost.md."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bench.cost_inputs import (
    IMAGE_BYTES,
    KEY_EACH_2_SECONDS,
    KEY_EACH_SECOND,
    NOISY_IMAGE_BYTES,
    SAMPLE_KEPT,
    measured,
)
from bench.many_uploads import COPIES_A_SECOND, ONE_HOUR
from bench.scale import COLD_START_SECONDS, COPIED_BYTES_A_SECOND
from handler.work_estimate import DECODE, DEDUPE, DETECT, ENCODE, MEGABYTES_FOR_A_CPU
from pipeline.resources.prices import BLOCK_BYTES, Rates, bill
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from pipeline.resources.prices import Bill

FETCHED_BYTES_A_SECOND = 80e6
"""Assumed: what S3 sends to one reader."""

EACH_SECOND, EACH_2_SECONDS = "key frames each second", "key frames each 2 s"
ARCHIVE = "images in one archive"
_WAYS: dict[str, Literal["files", "archive", "none"]] = {
    "a file for each image": "files",
    ARCHIVE: "archive",
    "no images": "none",
}


@dataclass(frozen=True)
class Work:
    """What one video takes.

    Attributes:
        frames: number of frames that are decoded.
        decode_ms: CPU milliseconds of each.
        samples: number of sampled frames.
        kept: number of kept frames; each is detected in.
        megapixels: size of a frame.
        fetches: number of requests that read the video.
        images: how images are written: a file each, in one archive, or not at all.
        image_bytes: size of each.
        listed_bytes: size of the video if its packets are read before it is decoded.
        cold_seconds: for the start of the function.
        is_arm: whether the function runs on arm64.
    """

    frames: float
    decode_ms: float
    samples: float
    kept: float
    megapixels: float
    fetches: float
    images: Literal["files", "archive", "none"] = "files"
    image_bytes: float = 0.0
    listed_bytes: float = 0.0
    cold_seconds: float = 0.0
    is_arm: bool = False

    @property
    def decode_seconds(self) -> float:
        """CPU seconds to decode."""
        return self.frames * self.decode_ms / 1000

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all stages."""
        encode = 0.0 if self.images == "none" else self._of_frame(ENCODE)
        after = self.samples * self._of_frame(DEDUPE) + self.kept * (
            self._of_frame(DETECT) + encode
        )
        return self.decode_seconds + after / 1000

    @property
    def archive_bytes(self) -> int:
        """Size of an archive of the images."""
        return round(self.kept * self.image_bytes)

    def seconds(self, megabytes: int) -> float:
        """Return the seconds of the invocation, with a function of this memory.

        The stages run in parallel, and decoding has a thread for each whole CPU. So the time is
        that of decoding, or that of all stages on all CPUs: whichever is longer.
        """
        threads = max(1, megabytes // MEGABYTES_FOR_A_CPU)
        work = max(
            self.decode_seconds / threads, self.cpu_seconds * MEGABYTES_FOR_A_CPU / megabytes
        )
        copies = {
            "files": self.kept / COPIES_A_SECOND,
            "archive": self.archive_bytes / COPIED_BYTES_A_SECOND,
            "none": 0.0,
        }
        listing = self.listed_bytes / FETCHED_BYTES_A_SECOND
        return self.cold_seconds + listing + work + copies[self.images]

    def bill(self, megabytes: int) -> Bill:
        """Return what it costs with a function of this memory."""
        return bill(
            Rates(megabytes, is_arm=self.is_arm),
            work_seconds=self.seconds(megabytes),
            frames=self.kept if self.images == "files" else 0,
            fetches=self.fetches,
            archive_bytes=self.archive_bytes if self.images == "archive" else None,
        )

    def _of_frame(self, stage: tuple[float, float]) -> float:
        return of_frame(stage, self.megapixels)


def of_frame(stage: tuple[float, float], megapixels: float) -> float:
    """Return the CPU milliseconds of a stage for a frame."""
    each, for_a_megapixel = stage
    return each + for_a_megapixel * megapixels


def sample() -> Work:
    """Return the work for the sample: 300 frames of 768 x 576, a sample each second, warm."""
    megapixels = 768 * 576 / 1e6
    return Work(
        frames=300,
        decode_ms=of_frame(DECODE, megapixels),
        samples=30,
        kept=measured(SAMPLE_KEPT),
        megapixels=megapixels,
        fetches=SAMPLE.stat().st_size / BLOCK_BYTES,
    )


def hour() -> Work:
    """Return the work for an hour of 1080p30, sampled once a second, all kept, exact."""
    video = ONE_HOUR
    return Work(
        frames=108_000,
        decode_ms=of_frame(DECODE, video.megapixels),
        samples=video.samples,
        kept=video.kept,
        megapixels=video.megapixels,
        fetches=video.blocks,
        image_bytes=measured(IMAGE_BYTES),
        cold_seconds=COLD_START_SECONDS,
    )


def hours() -> dict[str, Work]:
    """Return the ways to do an hour, by name.

    Of a video with a key frame each 2 seconds, two grid points have one sample. A request fetches a
    key frame, and not the packets between them. An mkv is fetched twice, in blocks.
    """
    exact = hour()
    each_second = replace(exact, frames=3600, decode_ms=measured(KEY_EACH_SECOND), fetches=3600)
    each_2_seconds = replace(
        exact,
        frames=1800,
        decode_ms=measured(KEY_EACH_2_SECONDS),
        samples=1800,
        kept=1800,
        fetches=1800,
        image_bytes=measured(NOISY_IMAGE_BYTES),
    )
    cases = {"exact": exact, EACH_SECOND: each_second, EACH_2_SECONDS: each_2_seconds}
    ways = {
        f"{name}, {how}": replace(work, images=images)
        for name, work in cases.items()
        for how, images in _WAYS.items()
    }
    half = replace(each_second, frames=1800, samples=1800, kept=1800, fetches=1800)
    mkv = replace(each_2_seconds, fetches=2 * exact.fetches, listed_bytes=ONE_HOUR.size_bytes)
    in_archive = {
        f"{EACH_SECOND}, a sample each 2 s": half,
        f"{EACH_2_SECONDS}, of an mkv": mkv,
    }
    on_arm = {
        f"{name}, {ARCHIVE}, arm64": replace(cases[name], images="archive", is_arm=True)
        for name in (EACH_SECOND, EACH_2_SECONDS)
    }
    archived = {
        f"{name}, {ARCHIVE}": replace(work, images="archive") for name, work in in_archive.items()
    }
    return {**ways, **archived, **on_arm}
