"""Handing over to CVAT, with a stand-in for the SDK's client.

tests/oracles checks the same requests by the SDK itself. No CVAT server was there to try.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from types import SimpleNamespace as Some
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from pipeline.errors import BrokenError, ConfigError, InputFileError, RetryableError
from pipeline.handover.cvat import hand_over, hand_over_to
from tests.support.export_sets import CAR, PERSON, STREET, export_set, image, video

if TYPE_CHECKING:
    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.handover.handed import Handed


class Task:
    def __init__(self, server: Server, spec: dict[str, Any]) -> None:
        self.server, self.name = server, spec["name"]
        self.files: dict[str, bytes] = {}
        self.shapes: list[dict[str, Any]] = []

    def upload_data(self, resources: list[Path], params: dict[str, Any]) -> None:
        assert params["sorting_method"] == "lexicographical"
        self.files = {path.name: path.read_bytes() for path in sorted(resources)}

    def get_frames_info(self) -> list[Some]:
        return [Some(name=name) for name in self.files]

    def set_annotations(self, data: dict[str, Any]) -> None:
        self.shapes = data["shapes"][: self.server.takes]

    def get_annotations(self) -> Some:
        return Some(shapes=self.shapes)

    def remove(self) -> None:
        self.server.all_tasks.remove(self)


class Server:
    """The parts of the SDK's client that a handover uses."""

    def __init__(self) -> None:
        self.labels: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.all_tasks: list[Task] = []
        self.takes = 1000
        self.projects = Some(list=self._list, create=self._create)
        self.tasks = Some(create=self._create_task)

    def _list(self) -> list[Some]:
        return [
            Some(id=7, name=name, get_labels=self._labels, get_tasks=lambda: self.all_tasks)
            for name in self.names
        ]

    def _create(self, spec: dict[str, Any]) -> Some:
        self.names.append(spec["name"])
        self.labels = spec["labels"]
        return self._list()[0]

    def _labels(self) -> list[Some]:
        return [
            Some(
                id=100 + number,
                name=label["name"],
                attributes=[Some(id=number, name=each["name"]) for each in label["attributes"]],
            )
            for number, label in enumerate(self.labels)
        ]

    def _create_task(self, spec: dict[str, Any]) -> Task:
        assert spec["project_id"] == 7
        self.all_tasks.append(Task(self, spec))
        return self.all_tasks[-1]


def jpeg(of: ExportImage) -> bytes:
    return f"JPEG of {of.frame_index}".encode()


def hand(server: Server, exported: ExportSet = STREET) -> Handed:
    return hand_over_to(server, exported, jpeg, "https://cvat.example", "street", None)


def test_each_run_becomes_a_task_with_its_images_and_objects_with_scores() -> None:
    server = Server()
    other = export_set(image(3, [CAR], video("b.mp4", "b" * 16)))
    both = export_set(*STREET.images, *other.images)
    handed = hand(server, both)
    assert (handed.images, handed.objects, handed.known) == (4, 4, 0)
    assert handed.link == "https://cvat.example/projects/7"
    first, second = server.all_tasks
    assert [first.name, second.name] == ["street-01234567", "b-bbbbbbbb"]
    assert list(first.files.values()) == [b"JPEG of 0", b"JPEG of 50", b"JPEG of 99"]
    assert [(each["frame"], each["label_id"]) for each in first.shapes] == [
        (0, 100), (0, 101), (2, 100),
    ]  # fmt: skip
    assert first.shapes[0]["points"] == [10.5, 20.25, 40.6, 60.3]
    assert first.shapes[0]["attributes"] == [{"spec_id": 0, "value": "0.9007"}]


def test_a_run_that_is_there_is_left_as_it_is() -> None:
    server = Server()
    hand(server)
    handed = hand(server)
    assert (handed.images, handed.known, len(server.all_tasks)) == (0, 3, 1)


@pytest.mark.parametrize(
    "labels",
    [
        [{"name": "person", "attributes": [{"name": "score"}]}],
        [{"name": each, "attributes": []} for each in STREET.labels],
    ],
)
def test_a_project_without_a_class_or_its_score_is_refused(labels: list[dict[str, Any]]) -> None:
    server = Server()
    server.names, server.labels = ["street"], labels
    with pytest.raises(InputFileError, match=r"lacks .*car.*attribute 'score'"):
        hand(server)
    assert server.all_tasks == []


def test_two_projects_of_one_name_are_refused() -> None:
    server = Server()
    server.names = ["street", "street"]
    with pytest.raises(InputFileError, match="2 projects"):
        hand(server)


def test_a_task_that_lacks_objects_is_removed() -> None:
    server = Server()
    server.takes = 2
    with pytest.raises(BrokenError, match="2 of the 3 objects"):
        hand(server)
    assert server.all_tasks == []


def test_an_image_that_cannot_be_read_leaves_no_task() -> None:
    server = Server()

    def fails(_image: ExportImage) -> bytes:
        raise InputFileError("gone")

    with pytest.raises(InputFileError, match="gone"):
        hand_over_to(server, export_set(image(0, [PERSON])), fails, "https://c", "p", None)
    assert server.all_tasks == []


class ApiError(Exception):
    status, reason = 403, "Forbidden"


class SdkError(Exception):
    pass


@pytest.mark.parametrize(
    ("raised", "becomes", "message"),
    [
        (ApiError(), BrokenError, "refused a request: 403 Forbidden"),
        (SdkError("task failed"), BrokenError, "did not do its work: task failed"),
        (urllib3.exceptions.HTTPError("no route"), RetryableError, "cannot be reached: no route"),
    ],
)
def test_errors_of_the_sdk_are_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, becomes: type[Exception], message: str
) -> None:
    def make_client(_url: str, access_token: str) -> None:
        assert access_token == "x"  # noqa: S105 - of no server
        raise raised

    sdk = ModuleType("cvat_sdk")
    sdk.__dict__.update(make_client=make_client, exceptions=Some(ApiException=ApiError))
    core = ModuleType("cvat_sdk.core.exceptions")
    core.__dict__.update(CvatSdkException=SdkError)
    monkeypatch.setitem(sys.modules, "cvat_sdk", sdk)
    monkeypatch.setitem(sys.modules, "cvat_sdk.core", ModuleType("cvat_sdk.core"))
    monkeypatch.setitem(sys.modules, "cvat_sdk.core.exceptions", core)
    with pytest.raises(becomes, match=message):
        hand_over(STREET, jpeg, "https://c", "p", {"CVAT_ACCESS_TOKEN": "x"})


def test_a_wrong_address_is_told() -> None:
    with pytest.raises(InputFileError, match="must be the address of a server"):
        hand_over(STREET, jpeg, "cvat.example", "p", {"CVAT_ACCESS_TOKEN": "x"})


def test_a_missing_token_or_sdk_is_told() -> None:
    with pytest.raises(ConfigError, match="CVAT_ACCESS_TOKEN is not set"):
        hand_over(STREET, jpeg, "https://c", "p", {})
    with pytest.raises(ConfigError, match=r"pip install 'pretag\[cvat\]'"):
        hand_over(STREET, jpeg, "https://c", "p", {"CVAT_ACCESS_TOKEN": "x"})
