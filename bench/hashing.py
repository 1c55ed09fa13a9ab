"""Measure the hash stage: what it drops, what it costs, how far its bits are from imagehash's.

Precision: of the frames dropped, those that show what an earlier one showed. Recall: of the frames
that show what an earlier one showed, those dropped. `tests/support/scenes.py` makes the labelled
footage.
"""  # noqa: INP001 - started by bench/run

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import cv2
import imagehash
import numpy as np
from PIL import Image as PillowImage

from bench import results
from pipeline.config.schema import DedupeConfig
from pipeline.deduplication.fingerprint import Fingerprint
from pipeline.deduplication.hashing import perceptual_hash
from tests.support import clips, scenes
from tests.support.scenes import Score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from imagehash import ImageHash

    from pipeline.config.schema import HashMethodName
    from pipeline.frame import Image

# Standard deviation of the sensor's noise at night, in levels; by day it is a fifth.
NOISES = (2, 10, 25)
SIZES = ((320, 240), (640, 360), (1280, 720))
# None is footage as the sensor gave it.
CRFS = (None, 18, 28)
SEED = 1
REPEATS = 25
CONFIG = DedupeConfig()
METHODS: tuple[HashMethodName, ...] = ("phash", "dhash", "average_hash", "whash")
FULL_HD = (1920, 1080)
TEXTURES = 12
# Of the full frame's cost, and of 64 bits.
LARGEST_SHARE, MOST_BITS = 0.25, 2


def measured() -> str:
    """Measure, and return the report."""
    cv2.setNumThreads(1)
    heading = f"## Hash stage\n\n{results.when_and_where()}; one thread.\n"
    street = [cv2.resize(image, FULL_HD) for image in sampled(clips.SAMPLE)]
    images = [np.asarray(image, dtype=np.uint8) for image in (*street, *textures())]
    return "\n".join((heading, quality(), cost(images[0]), bits(images)))


def quality() -> str:
    """Return the table of precision and recall, a row a kind of footage."""
    tried: defaultdict[str, tuple[Score, Score]] = defaultdict(lambda: (Score(), Score()))
    for kind, ours, bare in scores():
        for name in (kind, "all"):
            tried[name] = (tried[name][0] + ours, tried[name][1] + bare)
    rows = [
        (name, str(ours.duplicates), str(ours.dropped), *shares(ours), *shares(bare))
        for name, (ours, bare) in sorted(tried.items(), key=lambda row: row[0] == "all")
    ]
    return (
        f"Noise of {NOISES} levels, heights of {[height for _, height in SIZES]}, raw and through "
        f"H.264 at crf {CRFS[1:]}; default configuration, and its hash alone:\n\n"
        + results.table(
            (
                "footage",
                "duplicates",
                "dropped",
                "precision",
                "recall",
                "hash: precision",
                "recall",
            ),
            rows,
        )
    )


def scores() -> Iterator[tuple[str, Score, Score]]:
    """Yield of each take its kind, our score, and the score of a hash alone."""
    with TemporaryDirectory() as folder:
        for width, height in SIZES:
            for noise in NOISES:
                for take in scenes.make_footage(width, height, noise, SEED):
                    for crf in CRFS:
                        path = Path(folder) / "take.mp4"
                        images = (
                            take.images
                            if crf is None
                            else scenes.encode_and_decode(take.images, crf, path)
                        )
                        ours = scenes.score(take, scenes.is_dropped(images))
                        yield take.kind, ours, scenes.score(take, dropped_by_hash(images))


def dropped_by_hash(images: Sequence[Image]) -> list[bool]:
    """Drop by Hamming distance and nothing else."""
    kept: list[ImageHash] = []
    dropped = []
    for image in images:
        mine = perceptual_hash(image, "phash", CONFIG.hash_size)
        dropped.append(any(mine - other <= CONFIG.max_distance for other in kept))
        if not dropped[-1]:
            kept.append(mine)
    return dropped


def shares(each: Score) -> tuple[str, str]:
    """Return precision and recall as cells."""
    return f"{each.precision:.3f}", f"{each.recall:.3f}"


def cost(image: Image) -> str:
    """Return the table of what a full HD frame costs, by turns."""
    contenders: dict[str, Callable[[], object]] = {
        "imagehash.phash of the full frame": lambda: imagehash.phash(full(image)),
        "our phash": lambda: perceptual_hash(image, "phash", CONFIG.hash_size),
        "the fingerprint: phash, tones, relief": lambda: Fingerprint.of(
            image, "phash", CONFIG.hash_size
        ),
    }
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(REPEATS):
        for name, work in contenders.items():
            began = time.thread_time()
            work()
            seconds[name].append(time.thread_time() - began)
    whole, *_ = (median(each) for each in seconds.values())
    rows = [
        (name, f"{median(each) * 1000:.2f}", f"1 : {whole / median(each):.1f}")
        for name, each in seconds.items()
    ]
    share = median(seconds["the fingerprint: phash, tones, relief"]) / whole
    verdict = "met" if share <= LARGEST_SHARE else "**missed**"
    return (
        f"A full HD frame, medians of {REPEATS} (target: at most {LARGEST_SHARE:g} of imagehash's, "
        f"{verdict}):\n\n" + results.table(("what", "ms", "share"), rows)
    )


def bits(images: Sequence[Image]) -> str:
    """Return the table of bits that differ from the full frame's, a row a method."""
    rows = []
    for method in METHODS:
        theirs = getattr(imagehash, method)
        off = [int(perceptual_hash(each, method, 8) - theirs(full(each))) for each in images]
        rows.append(
            (method, f"{np.mean(off):.2f}", str(max(off)), str(sum(n <= MOST_BITS for n in off)))
        )
    return (
        f"Bits of 64 off the full frame's hash, over {len(images)} full HD frames of a street and "
        "of textures:\n\n"
        + results.table(("method", "mean", "most", f"frames with at most {MOST_BITS}"), rows)
    )


def full(image: Image) -> PillowImage.Image:
    """Return the whole frame as imagehash takes it."""
    return PillowImage.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def sampled(path: Path) -> list[Image]:
    """Return every tenth frame of a clip."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while capture.grab():
        frames.append(np.asarray(capture.retrieve()[1], dtype=np.uint8))
    return frames[::10]


def textures() -> list[Image]:
    """Return full HD pictures of natural spectrum, with a little noise."""
    random = np.random.default_rng(SEED)
    lights = (125 + 45 * scenes.texture(*FULL_HD, random) for _ in range(TEXTURES))
    return [scenes.add_noise(light, 2, random) for light in lights]


if __name__ == "__main__":
    results.publish(measured, __doc__ or "")
