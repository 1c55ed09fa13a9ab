"""Print the requests that CVAT's SDK makes: `cvat_models.py FILE`.

The SDK checks names, types and allowed values. Nothing is sent.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from cvat_sdk import Client, models
from cvat_sdk.core.proxies import tasks


class _RequestError(Exception):
    """The request that was to be sent."""


def _capture(method: str, url: str, **arguments: object) -> None:
    raise _RequestError(method, url.partition("/api/")[2], arguments.get("body"))


class _Uploader:
    """Takes the fields that the SDK sends with a file, instead of sending them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def upload_files(self, _url: str, _files: list[Path], **fields: object) -> None:
        fields.pop("pbar")
        models.DataRequest(**fields)
        raise _RequestError("POST", "data", fields)


def _upload(client: Client, params: dict[str, object]) -> None:
    tasks.DataUploader = _Uploader
    task = tasks.Task(client, {"id": 5})
    task.upload_data([Path("street.mp4")], params=params)


def main(file: str) -> None:
    wanted = json.loads(Path(file).read_text(encoding="utf-8"))
    client = Client("http://127.0.0.1:9", check_server_version=False)
    client.api_client.rest_client.request = _capture
    calls: tuple[Callable[[], object], ...] = (
        lambda: client.projects.create(wanted["project"]),
        lambda: client.tasks.create(wanted["task"]),
        lambda: client.api_client.tasks_api.update_annotations(
            5, labeled_data_request=wanted["annotations"]
        ),
    )
    calls += (lambda: _upload(client, wanted["data"]),)
    requests = []
    for call in calls:
        try:
            call()
        except _RequestError as request:
            requests.append(request.args)
    print(json.dumps({"requests": requests}))


main(*sys.argv[1:])
