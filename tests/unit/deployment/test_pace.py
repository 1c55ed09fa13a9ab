"""How fast videos are sent, on a clock of the test."""

from pipeline.deployment.pace import SendingPace


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.seconds += seconds


def times(concurrency: int, work: list[float]) -> list[float]:
    """Return when each video is sent."""
    clock = Clock()
    pace = SendingPace(concurrency, clock=clock.now, sleep=clock.sleep)
    sent = []
    for seconds in work:
        pace.wait(seconds)
        sent.append(clock.seconds - 100)
    return sent


def test_as_many_as_may_work_are_sent_at_once_and_the_next_when_one_is_done() -> None:
    assert times(2, [10, 4, 3, 5, 1]) == [0, 0, 4, 7, 10]


def test_one_after_the_other() -> None:
    assert times(1, [2, 0, 3, 1]) == [0, 2, 2, 5]


def test_slow_sending_is_not_made_up_for() -> None:
    clock = Clock()
    pace = SendingPace(1, clock=clock.now, sleep=clock.sleep)
    pace.wait(1)
    clock.seconds += 50
    pace.wait(5)
    pace.wait(5)
    assert clock.seconds == 100 + 50 + 5
