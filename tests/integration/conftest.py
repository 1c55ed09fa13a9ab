"""What the integration tests share."""

import sys

import pytest

from pipeline import cli
from tests.support.command import Finished, Pretag


@pytest.fixture
def pretag(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Pretag:
    def call(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["pretag", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Finished(int(ended.value.code or 0), out, err)

    return call
