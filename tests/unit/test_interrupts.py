"""Interrupts wait until it is safe."""

import signal

import pytest

from pipeline import interrupts


def test_an_interrupt_raises_at_once_unless_held() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupts.held.handle(signal.SIGINT, None)
    with pytest.raises(SystemExit) as ended:
        interrupts.held.handle(signal.SIGTERM, None)
    assert ended.value.code == 143


def test_a_held_interrupt_raises_once_when_it_is_let_go() -> None:
    def work() -> None:
        with interrupts.held:
            interrupts.held.handle(signal.SIGTERM, None)
            done.append("the work goes on")

    done: list[str] = []
    with pytest.raises(SystemExit):
        work()
    assert done == ["the work goes on"]
    with interrupts.held:
        pass
