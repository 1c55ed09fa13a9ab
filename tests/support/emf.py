"""Read embedded metric format (EMF) from a log, and check it by the rules of CloudWatch.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from typing import Any

import jsonschema

_SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 1_600_000_000_000},
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "properties": {
                                        "Name": {"type": "string", "maxLength": 1024},
                                        "Unit": {
                                            "enum": [
                                                "Seconds",
                                                "Count",
                                                "Megabytes",
                                                "Percent",
                                                "None",
                                            ]
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}

Dimensions = frozenset[tuple[str, str]]


def blobs(text: str) -> list[dict[str, Any]]:
    """Return the EMF objects in the lines of a log. Each must be valid."""
    found = []
    for line in text.splitlines():
        if '"_aws"' not in line:
            continue
        blob = json.loads(line)
        jsonschema.validate(blob, _SCHEMA)
        for directive in blob["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                for name in names:
                    check_dimension(name, blob[name])
        found.append(blob)
    return found


def check_dimension(name: str, value: object) -> None:
    """Check a dimension by the rules of CloudWatch, which drops a metric that breaks one.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
    """
    assert isinstance(value, str), (name, value)
    for text, longest in ((name, 255), (value, 1024)):
        assert 1 <= len(text) <= longest, text
        assert text.strip(), text
        assert all(" " <= char <= "~" for char in text), text
    assert not name.startswith(":"), name


def values(blob: dict[str, Any]) -> dict[tuple[str, Dimensions], float]:
    """Return the metrics of an EMF object, by name and dimensions."""
    result = {}
    for directive in blob["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, str(blob[name])) for name in names)
            for metric in directive["Metrics"]:
                value = blob[metric["Name"]]
                (number,) = value if isinstance(value, list) else [value]
                assert isinstance(number, int | float)
                result[metric["Name"], dimensions] = number
    return result
