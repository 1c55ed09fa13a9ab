"""Handing over to Label Studio: what the server gets, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.errors import BrokenError, ConfigError, InputFileError, RetryableError
from pipeline.handover.json_api import JsonApi
from pipeline.handover.label_studio import hand_over
from tests.support.export_sets import PERSON, STREET, export_set, image
from tests.support.fake_label_studio import JWT, TOKEN, FakeLabelStudio, fake_label_studio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.handover.handed import Handed


@pytest.fixture
def server() -> Iterator[FakeLabelStudio]:
    with fake_label_studio() as server:
        yield server


def jpeg(of: ExportImage) -> bytes:
    return f"JPEG of {of.frame_index}\r\n".encode()


def hand(
    server: FakeLabelStudio, exported: ExportSet = STREET, token: str = TOKEN, name: str = "street"
) -> Handed:
    return hand_over(exported, jpeg, server.url + "/", name, {"LABEL_STUDIO_API_KEY": token})


@pytest.mark.parametrize("token", [TOKEN, JWT])
def test_each_image_becomes_a_task_with_its_own_objects(
    server: FakeLabelStudio, token: str
) -> None:
    handed = hand(server, token=token)
    assert (handed.images, handed.objects, handed.known) == (3, 3, 0)
    assert handed.link == f"{server.url}/projects/1/data"
    assert [data for _, data in server.uploads] == [jpeg(each) for each in STREET.images]
    for task, of in zip(server.tasks, STREET.images, strict=True):
        assert task["data"]["image"] == f"/data/upload/1/0a1b2c3d-{of.name}"
        assert len(task["predictions"][0]["result"]) == len(of.boxes)


def test_what_is_there_already_is_left_and_what_is_missing_is_added(
    server: FakeLabelStudio,
) -> None:
    many = export_set(*(image(number, [PERSON]) for number in range(50)))
    server.refuse_after = 1
    with pytest.raises(RetryableError, match="failed with status 503"):
        hand(server, many)
    server.refuse_after = 1000
    handed = hand(server, many)
    assert (handed.images, handed.known) == (30, 20)
    assert len({task["data"]["name"] for task in server.tasks}) == len(server.tasks) == 50
    assert len(server.projects) == 1


def test_a_personal_token_gives_short_lived_ones_as_often_as_needed(
    server: FakeLabelStudio,
) -> None:
    many = export_set(*(image(number, [PERSON]) for number in range(50)))
    assert hand(server, many, JWT).images == 50


def test_a_project_without_a_class_is_refused_before_anything_is_uploaded(
    server: FakeLabelStudio,
) -> None:
    hand(server, export_set(image(0), labels=["person"]))
    server.uploads.clear()
    with pytest.raises(InputFileError, match=r"lacks the classes car, höhe & <x>\."):
        hand(server)
    assert server.uploads == []


def test_a_project_with_other_controls_is_refused(server: FakeLabelStudio) -> None:
    config = '<View><Image name="image"/><RectangleLabels name="x" toName="image"/></View>'
    server.projects.append({"id": 1, "title": "street", "label_config": config})
    with pytest.raises(InputFileError, match='no RectangleLabels with name="label"'):
        hand(server)


def test_two_projects_of_one_name_are_refused(server: FakeLabelStudio) -> None:
    server.projects += [{"id": n, "title": "street", "label_config": "<View/>"} for n in (1, 2)]
    with pytest.raises(InputFileError, match="2 projects named 'street'"):
        hand(server)


def test_an_image_that_is_stored_under_another_name_gets_no_objects(
    server: FakeLabelStudio,
) -> None:
    server.lose = True
    with pytest.raises(BrokenError, match="objects could get onto another image"):
        hand(server)
    assert server.tasks == []


def test_a_wrong_token_is_told(server: FakeLabelStudio) -> None:
    with pytest.raises(BrokenError, match=r"status 401: .*Invalid token"):
        hand(server, token="wrong")  # noqa: S106 - of a server in the tests


def test_a_missing_token_is_told() -> None:
    with pytest.raises(ConfigError, match="LABEL_STUDIO_API_KEY is not set"):
        hand_over(STREET, jpeg, "http://127.0.0.1", "x", {})


def test_a_server_that_is_not_there_or_is_another_one_is_told(server: FakeLabelStudio) -> None:
    with pytest.raises(RetryableError, match="cannot be reached"):
        JsonApi("http://127.0.0.1:1", {}).call("GET", "/")
    with pytest.raises(InputFileError, match="must be the address of a server"):
        JsonApi("file:///etc/passwd", {})
    api = JsonApi(server.url, {"Authorization": f"Token {TOKEN}"})
    with pytest.raises(BrokenError, match="did not answer with JSON"):
        api.call("GET", "/html")
