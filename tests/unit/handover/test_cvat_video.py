"""Handing a video over to CVAT: frames, tracks, and what is refused.

The SDK's client is a stand-in. tests/oracles checks the same requests by the SDK itself. No CVAT
server was there to try.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace as Some
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import BrokenError, InputFileError
from pipeline.frame import Display
from pipeline.handover.cvat import hand_over_to
from pipeline.handover.cvat_video import TaskFrames, VideoTask, task_frames
from tests.support.export_sets import CAR, PERSON, STREET, export_set, image, video

if TYPE_CHECKING:
    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.handover.handed import Handed

FILE = Path("street.mp4")


class Server:
    """The parts of the SDK's client that a handover uses; one project, all labels."""

    def __init__(self, *, is_mutable: bool = True) -> None:
        self.labels = [
            Some(
                id=100 + number, name=name,
                attributes=[Some(id=number, name="score", mutable=is_mutable)],
            )
            for number, name in enumerate(STREET.labels)
        ]  # fmt: skip
        project = Some(
            id=7, name="street", get_labels=lambda: self.labels, get_tasks=lambda: self.all_tasks
        )
        self.all_tasks: list[Task] = []
        self.projects = Some(list=lambda: [project])
        self.tasks = Some(create=self._create_task)
        self.size = (640, 480)
        self.last_frame = 99

    def _create_task(self, spec: dict[str, Any]) -> Task:
        self.all_tasks.append(Task(self, spec["name"]))
        return self.all_tasks[-1]


class Task:
    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self.files: list[Path] = []
        self.frames = 0
        self.tracks: list[dict[str, Any]] = []

    def upload_data(self, resources: list[Path], params: dict[str, Any]) -> None:
        self.files = resources
        stop = min(params["stop_frame"], self.server.last_frame)
        self.frames = len(range(params["start_frame"], stop + 1, params["frame_step"]))

    def get_meta(self) -> Some:
        width, height = self.server.size
        return Some(size=self.frames, frames=[Some(width=width, height=height)])

    def set_annotations(self, data: dict[str, Any]) -> None:
        assert data["shapes"] == []
        self.tracks = data["tracks"]

    def get_annotations(self) -> Some:
        return Some(tracks=self.tracks)

    def remove(self) -> None:
        self.server.all_tasks.remove(self)


def no_image(_image: ExportImage) -> bytes:
    raise AssertionError


def hand(server: Server, frames: TaskFrames, exported: ExportSet = STREET) -> Handed:
    return hand_over_to(server, exported, no_image, "https://c", "street", VideoTask(FILE, frames))


@pytest.mark.parametrize(
    ("sampled", "expected", "count"),
    [
        ([0, 25, 50, 75], TaskFrames(0, 75, 25), 4),
        ([10, 35, 85], TaskFrames(10, 85, 25), 4),  # damage took one away
        ([7], TaskFrames(7, 7, 1), 1),
        ([3, 4, 5], TaskFrames(3, 5, 1), 3),
    ],
)
def test_a_task_has_the_sampled_frames(
    sampled: list[int], expected: TaskFrames, count: int
) -> None:
    frames = task_frames(sampled, "a.mp4")
    assert (frames, frames.count) == (expected, count)
    of_task = range(frames.start, frames.stop + 1, frames.step)
    assert [of_task[frames.number_of(each)] for each in sampled] == sampled


def test_sampled_frames_off_the_step_are_refused() -> None:
    with pytest.raises(InputFileError, match=r"the first is 0, the smallest step is 29, and frame"):
        task_frames([0, 30, 60, 89, 119], "a.mp4")
    with pytest.raises(InputFileError, match="no sampled frame"):
        task_frames([], "a.mp4")


def test_each_object_is_a_track_of_one_frame_with_its_score() -> None:
    server = Server()
    exported = export_set(image(10, [PERSON]), image(60), image(85, [CAR]))
    handed = hand(server, TaskFrames(10, 85, 25), exported)
    assert (handed.images, handed.objects) == (3, 2)
    (task,) = server.all_tasks
    assert (task.name, task.files, task.frames) == ("street-01234567-video", [FILE], 4)
    person, car = task.tracks
    shape = {
        "type": "rectangle", "points": [10.5, 20.25, 40.6, 60.3],
        "attributes": [{"spec_id": 0, "value": "0.9007"}],
    }  # fmt: skip
    assert person == {
        "frame": 0, "label_id": 100, "source": "auto", "attributes": [],
        "shapes": [
            {**shape, "frame": 0, "outside": False}, {**shape, "frame": 1, "outside": True},
        ],
    }  # fmt: skip
    assert (car["frame"], car["label_id"]) == (3, 101)
    assert [(each["frame"], each["outside"]) for each in car["shapes"]] == [(3, False)]
    assert hand(server, TaskFrames(10, 85, 25), exported).known == 3


def test_a_score_that_cannot_change_is_that_of_the_track() -> None:
    server = Server(is_mutable=False)
    hand(server, TaskFrames(0, 99, 1))
    track = server.all_tasks[0].tracks[0]
    assert track["attributes"] == [{"spec_id": 0, "value": "0.9007"}]
    assert [shape["attributes"] for shape in track["shapes"]] == [[], []]


def test_boxes_are_in_the_pixels_of_the_video() -> None:
    server = Server()
    server.size = (480, 320)  # stored 320 x 480, turned, with wide pixels
    of = video(display=Display(320, 480, rotation=90))
    hand(server, TaskFrames(0, 0, 1), export_set(image(0, [CAR], of, (960, 320))))
    assert server.all_tasks[0].tracks[0]["shapes"][0]["points"] == [0.0, 0.0, 320.0, 480.0]


@pytest.mark.parametrize(
    ("last_frame", "size", "message"),
    [
        (90, (640, 480), r"made 91 frames of 640 x 480 pixels .* expects 100 frames of 640 x 480"),
        (99, (480, 640), r"made 100 frames of 480 x 640 pixels"),
    ],
)
def test_a_task_with_other_frames_is_removed(
    last_frame: int, size: tuple[int, int], message: str
) -> None:
    server = Server()
    server.last_frame, server.size = last_frame, size
    with pytest.raises(BrokenError, match=message):
        hand(server, TaskFrames(0, 99, 1))
    assert server.all_tasks == []


def test_a_mirrored_video_is_refused_before_a_task_is_made() -> None:
    server = Server()
    of = video(display=Display(640, 480, mirrored=True))
    with pytest.raises(InputFileError, match="mirrored"):
        hand(server, TaskFrames(0, 0, 1), export_set(image(0, [CAR], of)))
    assert server.all_tasks == []
