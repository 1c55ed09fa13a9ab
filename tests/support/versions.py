"""Which parameters make a new version of the function, in a template, expanded by SAM or not."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.support.cloudformation_values import Values

# Another value than the default of each parameter; none has another effect than its default's.
OTHER = {
    "InputBucketName": "other-bucket",
    "InputPrefix": "incoming/",
    "InputKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/input",
    "ConfigFile": "s3://models/pretag.yaml",
    "ModelBucketName": "models",
    "ModelPrefix": "models/",
    "ModelKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/models",
    "OutputPrefix": "datasets",
    "OutputKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/output",
    "ResultRetentionDays": 100,
    "RejectionRetentionDays": 10,
    "ReplacedRetentionDays": 30,
    "WorkRetentionDays": 40,
    "EventBus": "pretag",
    "MemoryMegabytes": 1769,
    "TimeoutSeconds": 600,
    "StorageMegabytes": 1024,
    "Architecture": "arm64",
    "ReservedConcurrency": 10,
    "Tracing": "on",
    "LongVideosInShards": "off",
    "ShardAfterSeconds": 60,
    "ShardConcurrency": 10,
    "S3EndpointUrl": "https://s3.example.com",
    "LogRetentionDays": 90,
    "AlarmEmail": "a@example.com",
    "RejectionsPerHour": 6,
    "SupersededPerHour": 60,
    "DriftsPerDay": 5,
    "IndexSchedule": "rate(1 hour)",
    "ImageUri": "registry/pretag@sha256:other",
    "TrafficShift": "AllAtOnce",
    "KnownResult": "s3://models/known.json",
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
}

# What a version does not keep: the concurrency is of the whole function, and the description has
# the number of the settings.
_NOT_OF_A_VERSION = {"ReservedConcurrentExecutions", "Description"}


def of_a_version(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of the function that a version keeps."""
    return {name: value for name, value in properties.items() if name not in _NOT_OF_A_VERSION}


def function_and_settings(
    template: Mapping[str, Any], **parameters: object
) -> tuple[dict[str, Any], str]:
    """Return what a version keeps of the function, and the content of the settings."""
    values = Values(template, parameters)
    content: str = values.properties("Settings")["Content"]
    return of_a_version(values.properties("Function")), content


def fingerprint(properties: Mapping[str, Any]) -> str:
    """Return 12 hex digits of what a template says of the function, whatever its parameters are."""
    text = json.dumps(of_a_version(properties), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
