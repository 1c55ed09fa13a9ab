"""Say what to write in place of a config key that does not exist.

There is one key for each setting. Other tools have other names for it, and some count in other
units, so the nearest spelling alone would suggest a wrong key.
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Without `_` and `-`, in lower case. For a name of two keys, the first one is meant.
_OTHER_NAMES = {
    "sampling.every_seconds": ("every", "interval", "intervalseconds", "period", "sampleinterval"),
    "sampling.start_seconds": ("start", "begin", "from", "offset"),
    "sampling.end_seconds": ("end", "stop", "to", "until"),
    "detector.model": ("weights", "modelpath", "modelfile", "onnx"),
    "detector.score_threshold": (
        *("conf", "confthres", "confthreshold", "confidence", "confidencethreshold"),
        *("minconfidence", "minscore", "score", "scorethres", "threshold"),
    ),
    "detector.iou_threshold": ("iou", "iouthres", "nms", "nmsiou", "nmsthreshold"),
    "detector.classes": ("class", "categories", "labels"),
    "detector.providers": ("device", "provider", "executionproviders"),
    "dedupe.max_distance": ("distance", "threshold"),
    "dedupe.method": ("algorithm", "hash"),
    "output.images": ("saveimages", "writeimages"),
    "output.jpeg_quality": ("quality", "jpgquality"),
}
_RATES = ("fps", "framerate", "framespersecond", "rate", "samplerate", "samplingrate", "targetfps")
_FRAME_COUNTS = (
    *("everyframes", "everynframes", "everynthframe", "framegap", "frameinterval", "framestep"),
    *("framestride", "nthframe", "step", "stride", "vidstride"),
)
# What a number of frames is told at, because only the video says its rate.
_EXAMPLE_RATE = 25
# `sampling.every_seconds` is at least 1 ms, and the grid has microseconds.
_SHORTEST_SECONDS, _LONGEST_SECONDS, _MICROSECONDS = 0.001, 1_000_000, 1_000_000


def unknown_key_sentence(key: str, origin: str, value: object, keys: Sequence[str]) -> str:
    """Return what is said of a key that does not exist.

    Args:
        key: the dotted key, with or without a section that exists.
        origin: name of its layer.
        value: its value, from which a value of the right key is computed.
        keys: all keys.
    """
    return f"Config key '{key}' (from {origin}) does not exist: {_advice(key, value, keys)}"


def _advice(key: str, value: object, keys: Sequence[str]) -> str:
    section, _, name = key.rpartition(".")
    plain = name.lower().replace("_", "").replace("-", "")
    if plain in _RATES:
        return _advice_for_rate(value)
    if plain in _FRAME_COUNTS:
        return _advice_for_frame_count(value)
    likely = _likely_key(key, section, name, plain, keys)
    return f"the keys are {', '.join(keys)}." if likely is None else f"did you mean '{likely}'?"


def _likely_key(key: str, section: str, name: str, plain: str, keys: Sequence[str]) -> str | None:
    is_section = any(each.startswith(f"{section}.") for each in keys)
    candidates = [each for each, names in _OTHER_NAMES.items() if plain in names]
    if not is_section:
        candidates = [each for each in keys if each.endswith(f".{name}")] or candidates
    candidates.sort(key=lambda each: not each.startswith(f"{section}."))
    candidates += difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    return next(iter(candidates), None)


def _advice_for_rate(value: object) -> str:
    rate = _number(value)
    if not _SHORTEST_SECONDS <= 1 / rate <= _LONGEST_SECONDS:
        rate = 2.0
    return _write_seconds(1 / rate, f"{rate:g} frames a second")


def _advice_for_frame_count(value: object) -> str:
    frames = _number(value)
    if not _SHORTEST_SECONDS <= frames / _EXAMPLE_RATE <= _LONGEST_SECONDS:
        frames = 10.0
    what = f"every {frames:g} frames at {_EXAMPLE_RATE} frames a second"
    return _write_seconds(frames / _EXAMPLE_RATE, what)


def _write_seconds(seconds: float, what: str) -> str:
    # Rounded down: with a longer period, the grid would in time leave out a frame.
    exact = math.floor(seconds * _MICROSECONDS + 1e-6) / _MICROSECONDS
    text = f"{exact:.6f}".rstrip("0").rstrip(".")
    return f"write sampling.every_seconds={text}, the seconds between two samples, for {what}."


def _number(value: object) -> float:
    """Return a positive number; else infinity, which is no rate and no number of frames."""
    try:
        number = float(value) if isinstance(value, int | float | str) else math.inf
    except ValueError:
        return math.inf
    return number if number > 0 and value is not True else math.inf
