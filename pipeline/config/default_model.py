"""Which model is the default: one that `pretag model add --default` chose, or else SSDLite."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]

MODELS_DIRECTORY = next(filter(Path.is_dir, [_PACKAGE / "models"]), _PACKAGE.parent / "models")
"""The models folder: in a wheel inside the package; in the sources and in the image beside it."""

DEFAULT_MODEL_FILE = MODELS_DIRECTORY / "default.txt"
"""The file in the models folder with the name of the default model. The image has it too."""

_SSDLITE = "ssdlite_mobilenet_v2_coco"


def default_model() -> str:
    """Return the name of the default model."""
    try:
        name = DEFAULT_MODEL_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        name = ""
    return name or _SSDLITE
