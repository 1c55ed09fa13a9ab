"""Read the log of the function, and compare it with the tables of docs/logs.md."""

import json
import re
from typing import Any

import handler.commands  # noqa: F401 - a logger belongs to the service that is set at its import
from tests.e2e.template import ROOT

_OF_EVERY_LINE = {"timestamp", "level", "service", "message", "location", "correlation_id"}


def documented() -> dict[str, tuple[str, set[str]]]:
    """Return level and fields of each event in docs/logs.md."""
    text = (ROOT / "docs" / "logs.md").read_text()
    rows = re.findall(
        r"^\| `([^`]+)` \| (INFO|WARNING|ERROR) \| [^|]+ \| (.+) \|$", text, re.MULTILINE
    )
    return {name: (level, set(re.findall("`([a-z_0-9]+)`", cell))) for name, level, cell in rows}


def fields_of_every_line() -> set[str]:
    """Return the fields that docs/logs.md gives every line."""
    text = (ROOT / "docs" / "logs.md").read_text().partition("## Fields of every line")[2]
    cells = re.findall(r"^\| (`.+?) \|", text.partition("## Events")[0], re.MULTILINE)
    return {name for cell in cells for name in re.findall("`([a-z_]+)`", cell)}


def log_lines(output: str) -> list[dict[str, Any]]:
    """Return the log lines of the function, all of which must be JSON."""
    return [json.loads(line) for line in output.splitlines()]


def check_documented(lines: list[dict[str, Any]]) -> None:
    """Check that each line is an event of the table, with its level and with no other field."""
    events, common = documented(), fields_of_every_line()
    assert common > _OF_EVERY_LINE
    for line in lines:
        if line["level"] == "WARNING" and line["message"] not in events:
            continue
        level, fields = events[line["message"]]
        assert line["level"] == level
        assert line.keys() <= common | fields, line["message"]
        assert fields & line.keys(), line["message"]
