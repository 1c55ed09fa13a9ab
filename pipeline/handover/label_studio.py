"""Hand results over to a Label Studio server, by its API.

Images are uploaded to the server, and each becomes a task with a prediction. A task that is there
already is left as it is, so a handover that was interrupted is completed by the same command.
https://api.labelstud.io/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from pipeline.dataset.exports.label_studio import label_config, prediction, task_data
from pipeline.errors import BrokenError, InputFileError
from pipeline.handover.handed import Handed, secret_of
from pipeline.handover.json_api import JsonApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet

SECRET = "LABEL_STUDIO_API_KEY"  # noqa: S105 - the name of a variable
_BATCH = 20
_PAGE = 500
_JWT_DOTS = 2
_SHOWN = 5


def hand_over(
    exported: ExportSet,
    read_image: Callable[[ExportImage], bytes],
    url: str,
    project: str,
    environ: Mapping[str, str],
) -> Handed:
    """Make a task for each image that the project does not have. See `HandOver`."""
    key = secret_of(environ, SECRET, "Label Studio shows it under Account & Settings")
    api = _connect(url, key)
    project_id = _project(api, project, exported.labels)
    known = _names_of_tasks(api, project_id)
    new = [image for image in exported.images if image.name not in known]
    for start in range(0, len(new), _BATCH):
        api = _connect(url, key)
        _add_tasks(api, project_id, new[start : start + _BATCH], exported.labels, read_image)
    objects = sum(len(image.boxes) for image in new)
    link = f"{url.rstrip('/')}/projects/{project_id}/data"
    return Handed(link, len(new), objects, len(exported.images) - len(new))


def _connect(url: str, key: str) -> JsonApi:
    """Return the API with the rights of a token.

    A personal access token is a JWT, which gives tokens for five minutes. A legacy token is none.
    """
    if key.count(".") != _JWT_DOTS:
        return JsonApi(url, {"Authorization": f"Token {key}"})
    answer = JsonApi(url, {}).call("POST", "/api/token/refresh", {"refresh": key})
    return JsonApi(url, {"Authorization": f"Bearer {answer['access']}"})


def _project(api: JsonApi, name: str, labels: Sequence[str]) -> int:
    """Return the id of the project of this name. It is made if there is none.

    Raises:
        InputFileError: there are several, or its labelling config lacks what predictions use.
    """
    found = [each for each in _pages(api, "/api/projects", "results") if each["title"] == name]
    if len(found) > 1:
        raise InputFileError(
            f"Label Studio has {len(found)} projects named {name!r}. Rename them, or give another "
            "name with --project."
        )
    if found:
        _check_config(found[0]["label_config"], name, labels)
        return int(found[0]["id"])
    config = label_config(labels).decode()
    made = api.call("POST", "/api/projects", {"title": name, "label_config": config})
    return int(made["id"])


def _check_config(config: str, project: str, labels: Sequence[str]) -> None:
    """Check that predictions fit a project.

    Raises:
        InputFileError: they do not; the message has what is missing.
    """
    root = ET.fromstring(config)  # noqa: S314 - of the person's own server
    wanted = ET.fromstring(label_config(labels)).find("RectangleLabels")  # noqa: S314 - our own
    assert wanted is not None  # noqa: S101 - for the type checker
    names = {"name": wanted.get("name"), "toName": wanted.get("toName")}
    for element in root.iter("RectangleLabels"):
        if {each: element.get(each) for each in names} == names:
            there = {each.get("value") for each in element.iter("Label")}
            break
    else:
        raise InputFileError(
            f"The labelling config of the Label Studio project {project!r} has no RectangleLabels "
            f'with name="{names["name"]}" and toName="{names["toName"]}". Give the name of a new '
            "project with --project."
        )
    missing = [label for label in labels if label not in there]
    if missing:
        more = " and more" if len(missing) > _SHOWN else ""
        raise InputFileError(
            f"The labelling config of the Label Studio project {project!r} lacks the classes "
            f"{', '.join(missing[:_SHOWN])}{more}. Add them there, or give the name of a new "
            "project."
        )


def _names_of_tasks(api: JsonApi, project_id: int) -> set[str]:
    tasks = _pages(api, f"/api/tasks?project={project_id}&fields=all", "tasks")
    return {str(task["data"].get("name")) for task in tasks}


def _pages(api: JsonApi, path: str, key: str) -> Iterator[dict[str, Any]]:
    """Yield the elements of a list that the server gives page by page."""
    joint = "&" if "?" in path else "?"
    page, seen = 1, 0
    while True:
        answer = api.call("GET", f"{path}{joint}page={page}&page_size={_PAGE}")
        rows = answer[key]
        yield from rows
        page, seen = page + 1, seen + len(rows)
        if not rows or seen >= answer.get("total", answer.get("count", 0)):
            return


def _add_tasks(
    api: JsonApi,
    project_id: int,
    images: Sequence[ExportImage],
    labels: Sequence[str],
    read_image: Callable[[ExportImage], bytes],
) -> None:
    """Upload images, and make a task with a prediction of each.

    Raises:
        BrokenError: the server took fewer of them.
    """
    files = [(image.name, read_image(image)) for image in images]
    path = f"/api/projects/{project_id}/import"
    uploaded = api.upload(f"{path}?commit_to_project=false", files)["file_upload_ids"]
    if len(uploaded) != len(images):
        raise BrokenError(
            f"Label Studio took {len(uploaded)} of {len(images)} images. Check the server's log, "
            "and hand the result over again."
        )
    tasks = []
    for image, upload_id in zip(images, uploaded, strict=True):
        stored = str(api.call("GET", f"/api/import/file-upload/{upload_id}")["file"])
        if not stored.endswith(f"-{image.name}"):
            raise BrokenError(
                f"Label Studio stored {image.name} as {stored}, so its objects could get onto "
                "another image. Nothing was made of it."
            )
        tasks.append(
            {
                "data": task_data(image, f"/data/{stored}"),
                "predictions": [prediction(image, labels)],
            }
        )
    made = api.call("POST", path, tasks)
    if (made["task_count"], made["prediction_count"]) != (len(tasks), len(tasks)):
        raise BrokenError(
            f"Label Studio made {made['task_count']} tasks and {made['prediction_count']} "
            f"predictions of {len(tasks)} images. Delete these tasks, and hand the result over "
            "again."
        )
