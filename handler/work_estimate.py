"""How long one invocation would take for a video, before it works.

CPU milliseconds of each stage, with the default model: the table "Each stage alone" of
bench/RESULTS.md, whose clips have 0.44 and 2.07 megapixels; a line through both. Other codecs and
models take longer. A run that does not fit although it seemed to is noticed while it works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.packet_reading import DECODE_MS
from pipeline.decoding.snapping import MOST_INTERVALS_APART

if TYPE_CHECKING:
    from pipeline.config.schema import Config, SamplingConfig
    from pipeline.decoding.key_frame import VideoFacts

MEGABYTES_FOR_A_CPU = 1769
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

# Stage: milliseconds a frame, and more for each megapixel.
DECODE, DEDUPE, DETECT, ENCODE = DECODE_MS, (0.72, 0.61), (21.3, 0.0), (0.34, 2.76)
# To publish an image, S3 copies it in 30 to 100 ms, eight at a time: see time_limit.py.
_PUBLISH_SECONDS_A_FRAME = 0.01
# An archive is copied at 100 MB a second (joining_limit.py). A JPEG has about 0.2 MB a megapixel.
_ARCHIVE_SECONDS_A_MEGAPIXEL = 0.002
# Cold start, and what is written at the end.
_FIXED_SECONDS = 3.0
# Where samples are far apart, frames between them are not decoded: about so many for a sample.
_FRAMES_A_SAMPLE = 60
# A key frame that is decoded alone takes as long as about so many frames (bench/key_frames.py).
_FRAMES_A_KEY_FRAME = 6


def work_seconds(facts: VideoFacts, config: Config, cpus: float) -> float:
    """Return the estimated seconds of work for a video, if each sampled frame is kept.

    Args:
        facts: number of frames, size and length of the video.
        config: the effective configuration.
        cpus: number of CPUs, or the share of one.
    """
    start = config.sampling.start_seconds
    end = min(config.sampling.end_seconds or facts.seconds, facts.seconds)
    share = max(0.0, end - start) / facts.seconds if facts.seconds else 1.0
    samples = min(share * facts.frames, (end - start) / config.sampling.every_seconds)
    samples = max(samples, 0.0)
    decoded = share * facts.frames
    if facts.snap_obstacle is None:
        decoded = min(decoded, samples * _frames_a_sample(facts, config.sampling))
    megapixels = facts.width * facts.height / 1e6
    tiles = config.detector.tiles**2 + 1 if config.detector.tiles > 1 else 1
    images = samples if config.output.images else 0.0
    milliseconds = (
        decoded * _of_frame(DECODE, megapixels)
        + samples * _of_frame(DEDUPE, megapixels)
        + samples * tiles * _of_frame(DETECT, megapixels)
        + images * _of_frame(ENCODE, megapixels)
    )
    is_archive = config.output.archive_form is not None
    publish = _ARCHIVE_SECONDS_A_MEGAPIXEL * megapixels if is_archive else _PUBLISH_SECONDS_A_FRAME
    return _FIXED_SECONDS + milliseconds / 1000 / cpus + images * publish


def _frames_a_sample(facts: VideoFacts, sampling: SamplingConfig) -> int:
    """Return how many frames are decoded for a sample, if the video has so many."""
    if sampling.snap != "key":
        return _FRAMES_A_SAMPLE
    is_sparse = facts.key_frame_seconds > MOST_INTERVALS_APART * sampling.every_seconds
    return _FRAMES_A_SAMPLE if is_sparse else _FRAMES_A_KEY_FRAME


def _of_frame(stage: tuple[float, float], megapixels: float) -> float:
    each, for_a_megapixel = stage
    return each + for_a_megapixel * megapixels
