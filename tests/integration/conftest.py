"""Fixtures of the integration tests."""

import signal
import sys

import pytest

from pipeline import cli
from tests.support.command import Finished, Pretag


@pytest.fixture
def pretag(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Pretag:
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
