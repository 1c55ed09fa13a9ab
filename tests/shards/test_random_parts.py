"""Random clips, divided at random: parts give what the whole video gives, or say that they cannot.

The encoders run in this process, so a seed that failed once fails every time, nearly.
"""

from pathlib import Path
from random import Random

import pytest

from pipeline.config.schema import Config
from pipeline.decoding.division import Division
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.errors import RejectedError
from tests.support import clips
from tests.support.parts import decode, decode_in_parts, plan_of, trimmed

SEEDS = 150
_PLAIN, _OPEN = {"preset": "veryfast"}, {"preset": "veryfast", "x264-params": "open-gop=1"}
CODECS = [
    ("libx264", "mp4", _PLAIN),
    ("libx264", "mov", _OPEN),
    ("libx265", "mp4", {}),
    ("mpeg4", "mp4", {}),
    ("libvpx-vp9", "mp4", {"cpu-used": "8", "deadline": "realtime"}),
    ("mjpeg", "mov", {}),
]


def times_of(rng: Random, count: int) -> list[int] | None:
    """Return presentation times in milliseconds: at a rate, with pauses, late; None: a rate."""
    kind = rng.choice(["rate", "variable", "pauses", "late"])
    if kind == "rate":
        return None
    time_ms, times_ms = 3333 if kind == "late" else 0, []
    for _ in range(count):
        times_ms.append(time_ms)
        time_ms += rng.choice([17, 33, 40, 100]) if kind == "variable" else 40
        if kind == "pauses" and rng.random() < 0.05:
            time_ms += rng.choice([1000, 5000, 12_000])
    return times_ms


def clip_of(rng: Random, folder: Path) -> Path:
    """Return a clip that these random numbers decide."""
    codec, suffix, fixed = rng.choice(CODECS)
    count, key_frames = rng.choice([60, 120, 200]), rng.choice([1, 3, 5, 12, 25])
    options = {**fixed, "g": str(key_frames)}
    if codec == "libx264":
        options["bf"] = str(rng.randint(0, 3))
    if codec == "libx265":
        open_gop = rng.randint(0, 1)
        options["x265-params"] = f"log-level=none:keyint={key_frames}:open-gop={open_gop}"
    images = [clips.texture(rng.randint(0, 25)) for _ in range(count)]
    path = clips.write_clip(
        folder / f"clip.{suffix}",
        images,
        codec=codec,
        rate=rng.choice([10, 25]),
        times_ms=times_of(rng, count),
        options=options,
    )
    if rng.random() < 0.3:
        path = trimmed(path, folder / f"trimmed.{suffix}", rng.uniform(0.1, 1))
    return path


def config_of(rng: Random) -> Config:
    """Return a configuration that these random numbers decide."""
    sampling = {
        "every_seconds": rng.choice([0.04, 0.1, 0.5, 1, 1.7, 7]),
        "start_seconds": rng.choice([0, 0.5, 1.3]),
        "end_seconds": rng.choice([None, None, 3.3]),
    }
    return Config.model_validate(
        {"sampling": sampling, "segment": {"seconds": rng.choice([1, 1.5, 2])}}
    )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_parts_of_a_random_clip(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    path, config = clip_of(rng, tmp_path), config_of(rng)
    is_damaged = rng.random() < 0.15
    if is_damaged:
        clips.zero_bytes(path, rng.uniform(0.1, 0.9), rng.choice([50, 3000]))
    try:
        plan = plan_of(path, config, Division(rng.choice([1, 2]), 100))
        frames, last, decoded = decode_in_parts(path, config, plan)
    except (ShardMismatchError, RejectedError) as error:
        if is_damaged or "one process seeks" in str(error):
            return
        raise
    if not frames:
        with pytest.raises(RejectedError):
            decode(path, config)
        return
    whole, result = decode(path, config)
    assert frames == whole
    assert result.coverage.lost == 0
    assert decoded == result.coverage.decoded + result.coverage.skipped
    assert (last.duration_ms, last.start_ms) == (result.duration_ms, result.start_ms)
