"""Measure what docs/cost.md needs besides seconds by size and by stage: key frames, and images."""

from __future__ import annotations

import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Literal

import av

from bench import clips, results
from bench.measuring import show_progress, thread_seconds
from tests.support import runs

KEY_FRAME, ALL_FRAMES = "CPU ms for a key frame of 1080p", "CPU ms for a frame of 1080p"
IMAGE_BYTES, SAMPLE_KEPT = "bytes of an image of 1080p", "kept frames of the sample"
Skipped = Literal["NONKEY", "DEFAULT"]
_TITLE = "## Inputs of costs"
_FPS = 25
_ROUNDS = 5


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
    show_progress("key frames and all frames of 1080p")
    clip = clips.full_hd(key_frames=_FPS)
    ways: tuple[Skipped, ...] = ("NONKEY", "DEFAULT")
    count = {skip: _decoded(clip, skip) for skip in ways}
    seconds = thread_seconds({skip: partial(_decoded, clip, skip) for skip in ways}, _ROUNDS)
    key, every = (1000 * min(seconds[skip]) / count[skip] for skip in ways)
    show_progress("images of 1080p and of the sample")
    with tempfile.TemporaryDirectory() as folder:
        files = runs.files_of(runs.run(Path(folder), clips.full_hd()))
        images = [len(data) for path, data in files.items() if path.endswith(".jpg")]
        kept = runs.run(Path(folder)).log.counts()["frames_kept"]
    rows = [
        (KEY_FRAME, f"{key:.1f}"),
        (ALL_FRAMES, f"{every:.1f}"),
        (IMAGE_BYTES, f"{sum(images) / len(images):,.0f}"),
        (SAMPLE_KEPT, str(kept)),
    ]
    text = results.paragraph(
        f"{results.date_and_processor()}. The 1080p clip with a key frame each second, decoded by "
        "PyAV with one thread: key frames alone with `skip_frame` NONKEY, to BGR, with the packets "
        f"between them; all frames, one in 25 to BGR. The best of {_ROUNDS} rounds. Images with "
        "the default quality."
    )
    return f"{_TITLE}\n\n{text}{results.table(('', 'measured'), rows)}"


def _decoded(clip: Path, skip: Skipped) -> int:
    """Decode a clip, convert an image for each key frame, and return the number of frames."""
    count = 0
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = skip
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            if skip == "NONKEY" or count % _FPS == 0:
                frame.to_ndarray(format="bgr24")
            count += 1
    return count


if __name__ == "__main__":
    results.run(measure, "Measure the inputs of docs/cost.md.")
