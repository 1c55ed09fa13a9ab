"""Hand results over to a CVAT server, by CVAT's own SDK (`pip install pretag[cvat]`).

A project has the classes, each with an attribute for the score, and a task for each run. Objects
are written by the API and not by an import, which drops or refuses what it does not know.
https://docs.cvat.ai/docs/api_sdk/sdk/
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from pipeline.dataset.exports import cvat
from pipeline.errors import BrokenError, ConfigError, InputFileError, RetryableError
from pipeline.handover.cvat_video import SCORE, fill_with_video, tracks_of
from pipeline.handover.handed import Handed, check_count, check_url, secret_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.dataset.exports.export_set import (
        ExportBox,
        ExportImage,
        ExportSet,
        ExportVideo,
    )
    from pipeline.handover.cvat_video import VideoTask

SECRET = "CVAT_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
_SHOWN = 5


def hand_over(  # noqa: PLR0913, PLR0917 - as `HandOver`, and the video
    exported: ExportSet,
    read_image: Callable[[ExportImage], bytes],
    url: str,
    project: str,
    environ: Mapping[str, str],
    video: VideoTask | None = None,
) -> Handed:
    """Make a task for each run that the project does not have. See `HandOver`.

    With a video, the set has one run, and its task is made of the video instead of the images. A
    mirrored one is an `InputFileError`, because CVAT does not mirror it.
    """
    check_url(url)
    token = secret_of(environ, SECRET, "CVAT shows it under Profile, Security")
    try:
        import cvat_sdk  # noqa: PLC0415 - an optional package
        from cvat_sdk.core.exceptions import CvatSdkException  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            "CVAT's SDK is not installed. Install it: pip install 'pretag[cvat]'."
        ) from error
    try:
        with cvat_sdk.make_client(url, access_token=token) as client:
            return hand_over_to(client, exported, read_image, url, project, video)
    except cvat_sdk.exceptions.ApiException as error:
        raise BrokenError(
            f"CVAT at {url} refused a request: {error.status} {error.reason}. Check the address, "
            "the access token, and its rights."
        ) from error
    except CvatSdkException as error:
        raise BrokenError(f"CVAT at {url} did not do its work: {error}") from error
    except urllib3.exceptions.HTTPError as error:
        raise RetryableError(
            f"CVAT at {url} cannot be reached: {error}. Check the address, and try again."
        ) from error


def hand_over_to(  # noqa: PLR0913, PLR0917 - as `hand_over`
    client: Any,  # noqa: ANN401 - cvat_sdk.Client, which need not be installed
    exported: ExportSet,
    read_image: Callable[[ExportImage], bytes],
    url: str,
    project: str,
    video_task: VideoTask | None,
) -> Handed:
    """Make a task for each run that the project does not have, with a client of the SDK."""
    found = _project(client, project, exported.labels)
    by_name = {label.name: label for label in found.get_labels()}
    labels = [by_name[name] for name in exported.labels]
    known = {task.name for task in found.get_tasks()}
    images = objects = 0
    for video in exported.videos:
        of_video = exported.images_of(video)
        name = video.stem if video_task is None else f"{video.stem}-video"
        if name in known or not of_video:
            continue
        if video_task is None:
            fill = partial(
                _fill_with_images,
                video=video,
                images=of_video,
                read_image=read_image,
                labels=labels,
            )
        else:
            tracks = list(tracks_of(video, of_video, video_task.frames, labels))
            fill = partial(fill_with_video, wanted=video_task, video=video, tracks=tracks)
        _make_task(client, name, found.id, fill)
        images += len(of_video)
        objects += sum(len(image.boxes) for image in of_video)
    link = f"{url.rstrip('/')}/projects/{found.id}"
    return Handed(link, images, objects, len(exported.images) - images)


def _project(client: Any, name: str, labels: Sequence[str]) -> Any:  # noqa: ANN401 - of the SDK
    """Return the project of this name. It is made if there is none.

    Raises:
        InputFileError: there are several, or it lacks a class or the attribute for its score.
    """
    found = [each for each in client.projects.list() if each.name == name]
    if len(found) > 1:
        raise InputFileError(
            f"CVAT has {len(found)} projects named {name!r}. Rename them, or give another name "
            "with --project."
        )
    if not found:
        return client.projects.create({"name": name, "labels": cvat.labels(labels)})
    there = {
        label.name: [attribute.name for attribute in label.attributes]
        for label in found[0].get_labels()
    }
    missing = [label for label in labels if SCORE not in there.get(label, [])]
    if missing:
        more = " and more" if len(missing) > _SHOWN else ""
        raise InputFileError(
            f"The CVAT project {name!r} lacks {', '.join(missing[:_SHOWN])}{more}, or an attribute "
            "'score' of them. Add what `pretag export --to cvat` writes into cvat_labels.json, or "
            "give the name of a new project with --project."
        )
    return found[0]


def _make_task(client: Any, name: str, project_id: int, fill: Callable[[Any], None]) -> None:  # noqa: ANN401 - of the SDK
    """Make the task of a run. A task that is not complete is removed."""
    task = client.tasks.create({"name": name, "project_id": project_id})
    try:
        fill(task)
    except BaseException:
        task.remove()
        raise


def _fill_with_images(
    task: Any,  # noqa: ANN401 - of the SDK
    video: ExportVideo,
    images: Sequence[ExportImage],
    read_image: Callable[[ExportImage], bytes],
    labels: Sequence[Any],
) -> None:
    with tempfile.TemporaryDirectory(prefix="pretag-") as folder:
        paths = [Path(folder, image.name) for image in images]
        for path, image in zip(paths, images, strict=True):
            path.write_bytes(read_image(image))
        task.upload_data(resources=paths, params=DATA_PARAMETERS)
    frames = {Path(each.name).name: n for n, each in enumerate(task.get_frames_info())}
    shapes = [
        shape(box, frames[image.name], labels[box.class_index])
        for image in images
        for box in image.boxes
    ]
    task.set_annotations({"version": 0, "tags": [], "shapes": shapes, "tracks": []})
    check_count(len(task.get_annotations().shapes), len(shapes), video)


DATA_PARAMETERS = {"image_quality": 95, "sorting_method": "lexicographical"}
"""How CVAT keeps the images: names are in the order of frames."""


def shape(box: ExportBox, frame: int, label: Any) -> dict[str, Any]:  # noqa: ANN401 - of the SDK
    """Return an object as the API takes it, with the score in the label's attribute."""
    spec = next(each.id for each in label.attributes if each.name == SCORE)
    return {
        "type": "rectangle",
        "frame": frame,
        "label_id": label.id,
        "source": "auto",
        "points": [box.x, box.y, box.right, box.bottom],
        "attributes": [{"spec_id": spec, "value": f"{box.score:g}"}],
    }
