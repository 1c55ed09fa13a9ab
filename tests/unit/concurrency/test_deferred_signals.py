"""Signals wait for a safe place."""

import os
import signal
import threading

import pytest

from pipeline.concurrency.deferred_signals import DeferredSignals


def test_a_signal_is_handled_where_it_is_delivered() -> None:
    reached = []
    with DeferredSignals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the signal")
        with pytest.raises(KeyboardInterrupt):
            signals.deliver()
        signals.deliver()
    assert reached == ["after the signal"]


def test_a_signal_is_handled_at_the_end_of_the_block() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), DeferredSignals():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with DeferredSignals() as signals:
            os.kill(os.getpid(), signal.SIGINT)
            signals.deliver()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone() -> None:
    found = []

    def run() -> None:
        with DeferredSignals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
