"""Put the bundled models into the wheel, beside the code that finds them there."""

from __future__ import annotations

from pathlib import Path

from setuptools.command.build_py import build_py

_MODELS = Path(__file__).parents[1] / "models"
_FILES = ("*.onnx", "*.toml", "default.txt")


class BuildWithModels(build_py):  # type: ignore[misc]
    """Copies `models/` to `pipeline/models/` in the wheel.

    The folder is at the root of the sources and of the image, where people look for it. In an
    installed wheel, that would be a package `models` among those of all other projects.
    """

    def run(self) -> None:
        """Copy the packages, and then the models. An editable install finds the folder itself."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "pipeline", "models")
        self.mkpath(str(target))
        for pattern in _FILES:
            for file in sorted(_MODELS.glob(pattern)):
                self.copy_file(str(file), str(target / file.name))
