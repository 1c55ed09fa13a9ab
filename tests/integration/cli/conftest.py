"""Fixtures of the command line tests."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.frame import Image
from tests.support import clips
from tests.support.default_model import DEFAULT_MODEL


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Return a copy of the default model without its card."""
    path = tmp_path / "my model.onnx"
    shutil.copy(DEFAULT_MODEL, path)
    return path


@pytest.fixture(scope="session")
def frame() -> Image:
    """Return the first frame of the sample."""
    with av.open(str(clips.SAMPLE)) as container:
        decoded = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(decoded, dtype=np.uint8)
