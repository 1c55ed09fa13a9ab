"""Measure the deduplication: precision and recall, CPU time, and the differences from imagehash.

Precision is the share of dropped frames that are duplicates. Recall is the share of duplicates that
are dropped. `tests/support/scenes.py` makes the labelled footage.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import cv2
import imagehash
import numpy as np
from PIL import Image as PillowImage

from bench import results
from bench.measuring import thread_seconds
from pipeline.config.schema import DedupeConfig
from pipeline.deduplication.fingerprint import Fingerprint
from pipeline.deduplication.hashing import perceptual_hash
from tests.support import clips, scenes
from tests.support.decoding import decode_file
from tests.support.scenes import Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagehash import ImageHash

    from pipeline.config.schema import HashMethodName
    from pipeline.frame import Image

# Standard deviation of the sensor's noise at night, in levels. By day it is a fifth.
NOISES = (2, 10, 25)
SIZES = ((320, 240), (640, 360), (1280, 720))
# None: the images of the sensor, without H.264.
CRFS = (None, 18, 28)
SEED = 1
ROUNDS = 25
CONFIG = DedupeConfig()
METHODS: tuple[HashMethodName, ...] = ("phash", "dhash", "average_hash", "whash")
FULL_HD = (1920, 1080)
TEXTURES = 12
# Share of the CPU time that imagehash takes for the full image.
LARGEST_SHARE = 0.25
FEW_BITS = 2


def measure() -> str:
    """Measure, and return the section."""
    cv2.setNumThreads(1)
    heading = f"## Hash stage\n\n{results.date_and_processor()}; one thread.\n"
    images = [*street_images(), *texture_images()]
    return "\n".join((heading, quality(), cpu_time(images[0]), differing_bits(images)))


def quality() -> str:
    """Return the table of precision and recall, with a row for each kind of footage."""
    totals: defaultdict[str, tuple[Score, Score]] = defaultdict(lambda: (Score(), Score()))
    for kind, ours, hash_alone in scores():
        for name in (kind, "all"):
            totals[name] = (totals[name][0] + ours, totals[name][1] + hash_alone)
    rows = [
        (name, str(ours.duplicates), str(ours.dropped), *cells(ours), *cells(hash_alone))
        for name, (ours, hash_alone) in sorted(totals.items(), key=lambda row: row[0] == "all")
    ]
    titles = (
        "footage", "duplicates", "dropped", "precision", "recall", "hash: precision", "recall",
    )  # fmt: skip
    return (
        f"Noise of {NOISES} levels, heights of {[height for _, height in SIZES]}, raw and after "
        f"H.264 at crf {CRFS[1:]}; default configuration, and its hash alone:\n\n"
        + results.table(titles, rows)
    )


def scores() -> Iterator[tuple[str, Score, Score]]:
    """Yield the kind of each take, the score of pretag, and the score of the hash alone."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "take.mp4"
        for width, height in SIZES:
            for noise in NOISES:
                for take in scenes.make_footage(width, height, noise, SEED):
                    for crf in CRFS:
                        images = take.images
                        if crf is not None:
                            images = scenes.encode_and_decode(images, crf, path)
                        ours = scenes.score(take, scenes.is_dropped(images))
                        yield take.kind, ours, scenes.score(take, is_dropped_by_hash(images))


def is_dropped_by_hash(images: Sequence[Image]) -> list[bool]:
    """Return for each image whether the Hamming distance alone drops it."""
    kept: list[ImageHash] = []
    is_dropped = []
    for image in images:
        image_hash = perceptual_hash(image, "phash", CONFIG.hash_size)
        is_near = any(image_hash - other <= CONFIG.max_distance for other in kept)
        is_dropped.append(is_near)
        if not is_near:
            kept.append(image_hash)
    return is_dropped


def cells(score: Score) -> tuple[str, str]:
    """Return the cells of precision and recall."""
    return f"{score.precision:.3f}", f"{score.recall:.3f}"


def cpu_time(image: Image) -> str:
    """Return the table of CPU times for one image."""
    full, ours = "imagehash.phash of the full image", "pretag's phash"
    fingerprint = "the fingerprint: phash, area means, texture"
    seconds = thread_seconds(
        {
            full: lambda: imagehash.phash(to_pillow(image)),
            ours: partial(perceptual_hash, image, "phash", CONFIG.hash_size),
            fingerprint: partial(Fingerprint.of, image, "phash", CONFIG.hash_size),
        },
        ROUNDS,
    )
    medians = {name: median(each) for name, each in seconds.items()}
    rows = [
        (name, f"{each * 1000:.2f}", f"1 : {medians[full] / each:.1f}")
        for name, each in medians.items()
    ]
    verdict = results.verdict(is_met=medians[fingerprint] <= LARGEST_SHARE * medians[full])
    return (
        f"A full HD image, medians of {ROUNDS} (target: at most {LARGEST_SHARE:g} of imagehash's "
        f"time, {verdict}):\n\n" + results.table(("work", "ms", "share"), rows)
    )


def differing_bits(images: Sequence[Image]) -> str:
    """Return the table of bits that differ from the full image's hash, with a row per method."""
    rows = []
    for method in METHODS:
        hash_of = getattr(imagehash, method)
        counts = [
            int(perceptual_hash(image, method, 8) - hash_of(to_pillow(image))) for image in images
        ]
        few = sum(count <= FEW_BITS for count in counts)
        rows.append((method, f"{np.mean(counts):.2f}", str(max(counts)), str(few)))
    return (
        f"Bits of 64 that differ from the full image's hash, over {len(images)} full HD images of "
        "a street and of textures:\n\n"
        + results.table(("method", "mean", "most", f"images with at most {FEW_BITS}"), rows)
    )


def to_pillow(image: Image) -> PillowImage.Image:
    """Return the full image as imagehash needs it."""
    return PillowImage.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def street_images() -> Iterator[Image]:
    """Yield every tenth frame of the sample in full HD."""
    for frame in decode_file(clips.SAMPLE).frames:
        yield np.asarray(cv2.resize(frame.image, FULL_HD), dtype=np.uint8)


def texture_images() -> Iterator[Image]:
    """Yield full HD textures with the spectrum of natural images and a little noise."""
    random = np.random.default_rng(SEED)
    for _ in range(TEXTURES):
        yield scenes.add_noise(125 + 45 * scenes.texture(*FULL_HD, random), 2, random)


if __name__ == "__main__":
    results.run(measure, __doc__ or "")
