"""The number of CPUs that a process may use."""

import os

import pytest

from pipeline.concurrency.cpus import available_cpus


@pytest.mark.parametrize(
    ("memory_megabytes", "cpus"),
    [
        (None, 6),
        (10_240, 5),  # 5.8 CPUs
        (3_538, 2),
        (3_008, 1),
        (128, 1),
    ],
)
def test_lambda_memory_limits_the_cpus_of_the_affinity(
    monkeypatch: pytest.MonkeyPatch, memory_megabytes: int | None, cpus: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(6)), raising=False)
    assert available_cpus(memory_megabytes) == cpus


def test_a_system_that_reports_no_cpus_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cpus() == 1
