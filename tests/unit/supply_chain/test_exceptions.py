"""Reasoned exceptions for known vulnerabilities."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from supply_chain.advisories import Finding
from supply_chain.exceptions import (
    EXCEPTIONS,
    MAX_DAYS,
    VulnerabilityException,
    problems,
    read_exceptions,
)
from supply_chain.problems import SupplyChainError

TODAY = date(2026, 11, 30)
FINDING = Finding("jinja2", "3.1.6", "PYSEC-2026-1", ("CVE-2026-1",), ("3.1.7",))


def exception(
    identity: str = "PYSEC-2026-1", package: str = "jinja2", until: date = TODAY
) -> VulnerabilityException:
    return VulnerabilityException(identity, package, "The sandbox is not used.", until)


def found(
    *exceptions: VulnerabilityException, findings: tuple[Finding, ...] = (FINDING,)
) -> list[str]:
    return list(problems(findings, exceptions, TODAY))


def test_a_finding_without_an_exception_says_what_fixes_it() -> None:
    (problem,) = found()
    assert problem.startswith(
        "jinja2 3.1.6 has PYSEC-2026-1, CVE-2026-1 (fixed in: 3.1.7). Update it"
    )


@pytest.mark.parametrize("identity", ["PYSEC-2026-1", "CVE-2026-1"])
def test_an_exception_holds_up_to_and_on_its_last_day(identity: str) -> None:
    assert found(exception(identity)) == []


def test_an_exception_that_ended_is_a_problem() -> None:
    (problem,) = found(exception(until=TODAY - timedelta(days=1)))
    assert "ended on 2026-11-29" in problem


def test_an_exception_may_not_last_longer_than_half_a_year() -> None:
    last = TODAY + timedelta(days=MAX_DAYS)
    assert found(exception(until=last)) == []
    (problem,) = found(exception(until=last + timedelta(days=1)))
    assert "The longest is 180 days" in problem


def test_an_exception_without_a_finding_is_a_problem() -> None:
    (problem,) = found(exception(), findings=())
    assert "is not needed any more" in problem


def test_an_exception_for_another_package_does_not_cover_a_finding() -> None:
    uncovered, unneeded = found(exception(package="pillow"))
    assert uncovered.startswith("jinja2 3.1.6 has")
    assert "PYSEC-2026-1 of pillow is not needed" in unneeded


def test_an_exception_is_read_with_its_reason_and_its_date(tmp_path: Path) -> None:
    path = tmp_path / "exceptions.toml"
    path.write_text(
        '[[exception]]\nid = "PYSEC-2026-1"\npackage = "jinja2"\n'
        'reason = "The sandbox is not used."\nuntil = 2026-11-30\n'
    )
    assert read_exceptions(path) == [exception()]


@pytest.mark.parametrize(
    "text",
    [
        "[[exception]\n",
        "[exceptions]\n",
        '[[exception]]\nid = "a"\npackage = "b"\nuntil = 2026-11-30\n',
        '[[exception]]\nid = "a"\npackage = "b"\nreason = ""\nuntil = 2026-11-30\n',
        '[[exception]]\nid = "a"\npackage = "b"\nreason = "c"\nuntil = "2026-11-30"\n',
        '[[exception]]\nid = "a"\npackage = "b"\nreason = "c"\nuntil = 2026-11-30\nby = "d"\n',
        "exception = [1]\n",
    ],
)
def test_a_file_without_reasons_or_dates_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "exceptions.toml"
    path.write_text(text)
    with pytest.raises(SupplyChainError, match=r"exceptions\.toml"):
        read_exceptions(path)


def test_the_exceptions_of_the_project_can_be_read() -> None:
    assert isinstance(read_exceptions(EXCEPTIONS), list)
