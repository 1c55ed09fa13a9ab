"""The models folder: the bundled models, which are found by their name."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import default_model
from pipeline.errors import ConfigError
from pipeline.uris import uri_sentence

MODELS_DIRECTORY = default_model.MODELS_DIRECTORY


def bundled_models() -> list[Path]:
    """Return the model files in the models folder, sorted by name."""
    return sorted(MODELS_DIRECTORY.glob("*.onnx"))


def is_bundled(file: Path) -> bool:
    """Tell whether a model file lies in the models folder."""
    return file.resolve().parent == MODELS_DIRECTORY.resolve()


def find_model_file(model: str) -> Path:
    """Return the model file that `detector.model` means.

    Args:
        model: name of a bundled model, or path of an ONNX file.

    Raises:
        ConfigError: there is no such file.
    """
    bundled = {path.stem: path for path in bundled_models()}
    path = bundled.get(model, Path(model))
    if model.startswith("s3://"):
        raise ConfigError(
            f"Model {model} is in S3, and only the Lambda function reads models from S3. Fetch it "
            f"with `pretag model add {model}`, and set detector.model to its name."
        )
    sentence = uri_sentence(model)
    if sentence is not None:
        raise ConfigError(f"Model {sentence}")
    if not path.is_file():
        names = ", ".join(bundled) or "none"
        what = "is a directory" if path.is_dir() else "does not exist"
        raise ConfigError(
            f"Model {model} {what}. Set detector.model to the name of a bundled model "
            f"({names}) or to the path of an ONNX file."
        )
    return path
