"""Which model is the default: one that `pretag model add --default` chose, or else SSDLite."""

from __future__ import annotations

from pathlib import Path

DEFAULT_MODEL_FILE = Path(__file__).parents[2] / "models" / "default.txt"
"""The file in the models folder with the name of the default model. The image has it too."""

_SSDLITE = "ssdlite_mobilenet_v2_coco"


def default_model() -> str:
    """Return the name of the default model."""
    try:
        name = DEFAULT_MODEL_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        name = ""
    return name or _SSDLITE
