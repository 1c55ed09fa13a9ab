"""Versions of objects: order, pages, deletion."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from pipeline.errors import BrokenError
from pipeline.storage.s3.versions import ObjectVersion, Total, VersionedBucket
from tests.support.s3_retries import quick_retries

CLIENT = boto3.session.Session("testing", "testing", region_name="eu-central-1").client(
    "s3", config=Config(retries={"total_max_attempts": 1})
)
BUCKET = VersionedBucket(CLIENT, "results", quick_retries())


def entry(key: str, version_id: str, *, is_latest: bool = True) -> dict[str, Any]:
    return {
        "Key": key, "VersionId": version_id, "IsLatest": is_latest, "ETag": '"e"', "Size": 7,
        "StorageClass": "STANDARD",
    }  # fmt: skip


def marker(key: str, version_id: str) -> dict[str, Any]:
    return {"Key": key, "VersionId": version_id, "IsLatest": True}


def version(key: str, version_id: str = "1") -> ObjectVersion:
    return ObjectVersion(key, version_id, "e", 7, "STANDARD", is_latest=True, is_marker=False)


def test_versions_come_key_by_key_over_all_pages() -> None:
    with Stubber(CLIENT) as stubber:
        stubber.add_response(
            "list_object_versions",
            {
                "Versions": [entry("a", "1", is_latest=False), entry("b\uffff", "2")],
                "DeleteMarkers": [marker("a", "3")],
                "IsTruncated": True,
                "NextKeyMarker": "b\uffff",
                "NextVersionIdMarker": "2",
            },
            {"Bucket": "results", "Prefix": ""},
        )
        stubber.add_response(
            "list_object_versions",
            {"Versions": [entry("b\U00010000", "null")], "IsTruncated": False},
            {
                "Bucket": "results",
                "Prefix": "",
                "KeyMarker": "b\uffff",
                "VersionIdMarker": "2",
            },
        )
        found = list(BUCKET.versions(""))
    assert [(each.key, each.version_id, each.is_marker) for each in found] == [
        ("a", "3", True),
        ("a", "1", False),
        ("b\uffff", "2", False),
        ("b\U00010000", "null", False),
    ]


def test_markers_do_not_count() -> None:
    total = Total()
    mark = ObjectVersion("a", "2", "", 0, "", is_latest=True, is_marker=True)
    assert list(total.counting([version("a"), mark])) == [version("a"), mark]
    assert total == Total(objects=1, size_bytes=7)


def test_a_key_that_xml_cannot_hold_is_deleted_alone() -> None:
    with Stubber(CLIENT) as stubber:
        stubber.add_response(
            "delete_object", {}, {"Bucket": "results", "Key": "b\x01", "VersionId": "1"}
        )
        named = [{"Key": "a", "VersionId": "1"}, {"Key": "c\n", "VersionId": "1"}]
        stubber.add_response(
            "delete_objects",
            {},
            {"Bucket": "results", "Delete": {"Objects": named, "Quiet": True}},
        )
        BUCKET.delete([version("a"), version("b\x01"), version("c\n")])
        stubber.assert_no_pending_responses()


def test_a_version_that_may_not_be_deleted_is_an_error() -> None:
    refused = {"Key": "a", "Code": "AccessDenied", "Message": "locked"}
    with Stubber(CLIENT) as stubber:
        stubber.add_response("delete_objects", {"Errors": [refused]})
        with pytest.raises(BrokenError, match="a: locked"):
            BUCKET.delete([version("a")])
