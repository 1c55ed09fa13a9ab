"""A CVAT task of a video file, whose frames are the sampled frames of a run.

CVAT numbers the frames of a task from 0: number n is frame `start + n * step` of the video.
https://docs.cvat.ai/docs/manual/basics/create-annotation-task/#advanced-configuration
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline.dataset.exports.cvat_video import frame_size
from pipeline.errors import BrokenError, InputFileError
from pipeline.handover.handed import check_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportVideo

SCORE = "score"


@dataclass(frozen=True, slots=True)
class TaskFrames:
    """Which frames of a video a task has.

    Attributes:
        start, stop: index of the first and of the last frame in the video.
        step: every how many frames there is one.
    """

    start: int
    stop: int
    step: int

    @property
    def count(self) -> int:
        """Number of frames."""
        return (self.stop - self.start) // self.step + 1

    def number_of(self, frame_index: int) -> int:
        """Return the number in the task of a frame of the video."""
        return (frame_index - self.start) // self.step


@dataclass(frozen=True, slots=True)
class VideoTask:
    """What a task is made of.

    Attributes:
        file: the video.
        frames: which frames of it.
    """

    file: Path
    frames: TaskFrames


def task_frames(sampled: Sequence[int], video: str) -> TaskFrames:
    """Return the frames of a task that has all sampled frames, and none between them.

    Args:
        sampled: indexes of the sampled frames, in order. Damage may leave some out.
        video: the video's path or URI, for the message.

    Raises:
        InputFileError: they do not lie on one step.
    """
    if not sampled:
        raise InputFileError(f"The run of {video} has no sampled frame, so there is no task.")
    step = min((after - before for before, after in pairwise(sampled)), default=1)
    off = next((each for each in sampled if (each - sampled[0]) % step), None)
    if off is not None:
        raise InputFileError(
            f"The sampled frames of {video} do not lie on one step: the first is {sampled[0]}, the "
            f"smallest step is {step}, and frame {off} is off it. The time between samples is no "
            "whole number of its frames. CVAT makes a task of a video with one step only: leave "
            "out --video, and hand the images over."
        )
    return TaskFrames(sampled[0], sampled[-1], step)


def data_parameters(frames: TaskFrames) -> dict[str, int]:
    """Return what the SDK takes with the file of a video."""
    return {
        "image_quality": 95,
        "start_frame": frames.start,
        "stop_frame": frames.stop,
        "frame_step": frames.step,
    }


def fill_with_video(
    task: Any,  # noqa: ANN401 - of the SDK
    wanted: VideoTask,
    video: ExportVideo,
    tracks: Sequence[Mapping[str, Any]],
) -> None:
    """Upload a video to a task, check the frames that CVAT made of it, and write the tracks.

    Raises:
        BrokenError: CVAT has other frames, or lacks tracks.
    """
    frames = wanted.frames
    task.upload_data(resources=[wanted.file], params=data_parameters(frames))
    meta = task.get_meta()
    found = _text(meta.size, meta.frames[0].width, meta.frames[0].height)
    expected = _text(frames.count, *frame_size(video))
    if found != expected:
        raise BrokenError(
            f"CVAT made {found} of {video.uri}; pretag expects {expected}. Boxes would be in wrong "
            "places, so the task was removed. Leave out --video, and hand the images over."
        )
    task.set_annotations({"version": 0, "tags": [], "shapes": [], "tracks": list(tracks)})
    check_count(len(task.get_annotations().tracks), len(tracks), video)


def _text(frames: int, width: int, height: int) -> str:
    return f"{frames} frames of {width} x {height} pixels"


def tracks_of(
    video: ExportVideo,
    images: Sequence[ExportImage],
    frames: TaskFrames,
    labels: Sequence[Any],
) -> Iterator[dict[str, Any]]:
    """Yield each object as a track that is visible in its frame alone, as the API takes it.

    Args:
        video: the run.
        images: its kept frames.
        frames: the frames of the task.
        labels: the labels of the project as the SDK has them, in the order of the set's classes.

    Raises:
        InputFileError: the video is mirrored, which CVAT does not show.
    """
    width, height = frame_size(video)
    for image in images:
        scale = (width / image.width, height / image.height)
        number = frames.number_of(image.frame_index)
        for box in image.boxes:
            yield _track(box, scale, number, frames.count, labels[box.class_index])


def _track(
    box: ExportBox,
    scale: tuple[float, float],
    number: int,
    count: int,
    label: Any,  # noqa: ANN401 - of the SDK
) -> dict[str, Any]:
    score = next(each for each in label.attributes if each.name == SCORE)
    value = [{"spec_id": score.id, "value": f"{box.score:g}"}]
    x_scale, y_scale = scale
    shape = {
        "type": "rectangle",
        "points": [
            round(box.x * x_scale, 2),
            round(box.y * y_scale, 2),
            round(box.right * x_scale, 2),
            round(box.bottom * y_scale, 2),
        ],
        "attributes": value if score.mutable else [],
    }
    shapes = [{**shape, "frame": number, "outside": False}]
    if number + 1 < count:  # the last frame has no next one
        shapes.append({**shape, "frame": number + 1, "outside": True})
    return {
        "frame": number,
        "label_id": label.id,
        "source": "auto",
        "shapes": shapes,
        "attributes": [] if score.mutable else value,
    }
