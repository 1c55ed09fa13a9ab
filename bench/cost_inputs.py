"""Measure what docs/cost.md needs besides seconds by size and by stage: key frames, and images."""

from __future__ import annotations

import os
import re
import tempfile
from functools import partial
from pathlib import Path

import av
import numpy as np

from bench import clips, results
from bench.measuring import show_progress, thread_seconds
from pipeline.config.schema import Config
from pipeline.decoding.process.shared_memory import ImageWriter
from pipeline.decoding.video import Video
from pipeline.stages import encode_jpeg
from pipeline.storage.s3.ranged_reader import BLOCK_BYTES, RangedReader
from tests.support import runs
from tests.support.decoding import sampled_frames

KEY_EACH_SECOND = "CPU ms for a key frame of 1080p, one each second"
KEY_EACH_2_SECONDS = "CPU ms for a key frame of 1080p, one each 2 s"
IMAGE_BYTES, SAMPLE_KEPT = "bytes of an image of 1080p", "kept frames of the sample"
NOISY_IMAGE_BYTES = "bytes of an image of 1080p with noise"
_TITLE = "## Inputs of costs"
_ROUNDS = 5
_SNAP = Config.model_validate({"sampling": {"snap": "key"}})


def measured(name: str) -> float:
    """Return an input by its name in RESULTS.md.

    Raises:
        LookupError: RESULTS.md does not have it.
    """
    section = results.FILE.read_text().partition(f"\n{_TITLE}\n")[2].partition("\n## ")[0]
    found = re.search(rf"^\| {name} \| ([0-9.,]+) \|$", section, re.MULTILINE)
    if found is None:
        raise LookupError(f"RESULTS.md has no {name}: run `python -m bench.cost_inputs --write`.")
    return float(found[1].replace(",", ""))


def measure() -> str:
    """Measure, and return the section."""
    show_progress("key frames of 1080p")
    noisy = clips.full_hd_with_key_frames()
    by_name = {KEY_EACH_SECOND: clips.full_hd_for_long(), KEY_EACH_2_SECONDS: noisy}
    ways = {name: partial(_decode_key_frames, clip) for name, clip in by_name.items()}
    seconds = thread_seconds(ways, _ROUNDS)
    key_frames = [
        (name, f"{1000 * min(seconds[name]) / decode():.1f}") for name, decode in ways.items()
    ]
    show_progress("images of 1080p and of the sample")
    with tempfile.TemporaryDirectory() as folder:
        files = runs.files_of(runs.run(Path(folder), clips.full_hd()))
        images = [len(data) for path, data in files.items() if path.endswith(".jpg")]
        kept = runs.run(Path(folder)).log.counts()["frames_kept"]
    rows = [
        *key_frames,
        (IMAGE_BYTES, f"{sum(images) / len(images):,.0f}"),
        (NOISY_IMAGE_BYTES, f"{_mean_jpeg_bytes(noisy):,.0f}"),
        (SAMPLE_KEPT, str(kept)),
    ]
    text = results.paragraph(
        f"{results.date_and_processor()}. Key frames: 5 minutes of 1080p, without noise at 2 "
        "Mbit/s and a key frame each second, and with noise at 6 Mbit/s and a key frame each 2 s. "
        "They are decoded as in S3, by ranges, with one thread, to images in the memory that the "
        "processes share. Opening the video, reading its index, and decoding all frames up to the "
        f"second key frame are a part of it. The best of {_ROUNDS} rounds. Images with the default "
        "quality."
    )
    return f"{_TITLE}\n\n{text}{results.table(('', 'measured'), rows)}"


def _decode_key_frames(clip: Path) -> int:
    """Decode the key frames of a clip by ranges, and return their number."""
    count, images = 0, ImageWriter()
    with clip.open("rb") as file:

        def fetch(start: int, end: int) -> bytes:
            return os.pread(file.fileno(), end - start, start)

        size = clip.stat().st_size
        with RangedReader(fetch, size, fetch(0, BLOCK_BYTES)) as reader:
            video = Video(reader, clip.name, _SNAP.limits, threads=1, backend="pyav")
            for frame in sampled_frames(video, _SNAP):
                written = images.write(frame.image)
                images.free([written.number])
                if written.descriptor is not None:
                    os.close(written.descriptor)
                count += 1
    return count


def _mean_jpeg_bytes(clip: Path) -> float:
    """Return the mean size of a clip's first key frames as JPEG."""
    sizes = []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            image = np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
            sizes.append(len(encode_jpeg(image, Config().output.jpeg_quality)))
            if len(sizes) == clips.SAMPLE_SECONDS // 2:
                break
    return sum(sizes) / len(sizes)


if __name__ == "__main__":
    results.run(measure, "Measure the inputs of docs/cost.md.")
