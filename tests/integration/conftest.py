"""Fixtures of the integration tests."""

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline import cli
from pipeline.decoding.backend import automatic_backend
from pipeline.decoding.process import launching, spare
from pipeline.detection import trial
from pipeline.frame import Image
from tests.support import clips
from tests.support.command import Finished, Pretag
from tests.support.default_model import DEFAULT_MODEL
from tests.support.forked_children import Nurseries


@pytest.fixture
def pretag(
    forked_children: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Pretag:
    """Return a function that runs the command line inside the test process."""

    def call(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["pretag", *map(str, arguments)])
        capfd.readouterr()
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Finished(int(ended.value.code or 0), out, err)

    return call


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Return a copy of the default model without its card."""
    path = tmp_path / "my model.onnx"
    shutil.copy(DEFAULT_MODEL, path)
    return path


@pytest.fixture(scope="session")
def nurseries() -> Iterator[Nurseries]:
    """Return what forks child processes that need no imports."""
    with Nurseries() as nurseries:
        yield nurseries
        spare.take_child(automatic_backend()).close()  # one that waits for a video


@pytest.fixture
def forked_children(nurseries: Nurseries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the decoders and the trials of models in this test.

    Without it, each of them starts Python and imports its libraries, as in production.
    """
    monkeypatch.setattr(launching, "launch", nurseries.launch)
    monkeypatch.setattr(trial, "launch", nurseries.launch)


@pytest.fixture(scope="session")
def frame() -> Image:
    """Return the first frame of the sample."""
    with av.open(str(clips.SAMPLE)) as container:
        decoded = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(decoded, dtype=np.uint8)
