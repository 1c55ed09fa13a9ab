"""CVAT, for tasks of a video: CVAT for video 1.1, an XML file for each video, without images.

Frames have the numbers of the video itself. Each object is a track that is visible in its frame
alone: the next frame of the task has it as `outside`, which is how CVAT writes single shapes into
this format. A labeller can lengthen it; a shape of any other format cannot become a track.
https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from pipeline.dataset.exports import cvat
from pipeline.dataset.exports.form import Format
from pipeline.dataset.exports.xml_file import add, xml_bytes
from pipeline.errors import InputFileError
from pipeline.text import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportSet, ExportVideo
    from pipeline.dataset.exports.form import Options

_HEAD = b"<?xml version='1.0' encoding='utf-8'?>\n<annotations>\n<version>1.1</version>\n"
_QUARTER_TURN = 90
_HALF_TURN = 180


class _Task(NamedTuple):
    """What decides how the objects of one video are written.

    Attributes:
        step: frame step of the task.
        frames: number of frames of the video.
        scale: what takes displayed pixels to pixels of CVAT's frames, which are not made square:
            a factor for x and one for y.
    """

    step: int
    frames: int
    scale: tuple[float, float]


def _files(exported: ExportSet, options: Options) -> Iterator[tuple[str, bytes]]:
    for video in exported.videos:
        images = exported.images_of(video)
        _check_step(video, images, options.frame_step)
        size = frame_size(video)
        scale = (size[0] / images[0].width, size[1] / images[0].height) if images else (1.0, 1.0)
        task = _Task(options.frame_step, video.frames, scale)
        # One element at a time, because elements take ten times the memory of their text.
        tracks = _tracks(exported.labels, images, task)
        head = xml_bytes(_meta(exported.labels, video, size, options.frame_step))
        yield f"{video.stem}.xml", b"".join([_HEAD, head, *tracks, b"</annotations>\n"])
    yield cvat.labels_file(exported.labels)


def _check_step(video: ExportVideo, images: Sequence[ExportImage], step: int) -> None:
    """Check that a task with this frame step has each frame: else CVAT imports nothing.

    Raises:
        InputFileError: it has not.
    """
    off = [image.frame_index for image in images if image.frame_index % step]
    if off:
        largest = gcd(*(image.frame_index for image in images))
        raise InputFileError(
            f"A CVAT task with the frame step {step} does not have frame {off[0]} of {video.uri}, "
            f"and CVAT then imports nothing. The largest step with all frames is {largest}: give "
            f"--frame-step {largest}, and make the task with it."
        )


def frame_size(video: ExportVideo) -> tuple[int, int]:
    """Return width and height of CVAT's frames: the stored pixels, turned.

    Raises:
        InputFileError: the video is mirrored, and CVAT shows it unmirrored.
    """
    display = video.display
    if display.mirrored:
        raise InputFileError(
            f"{video.uri} is marked as mirrored, and CVAT does not mirror the frames of a video, "
            "so boxes would be on the wrong side. Export to cvat, which has images."
        )
    size = (display.stored_width, display.stored_height)
    return size if display.rotation % _HALF_TURN != _QUARTER_TURN else (size[1], size[0])


def _meta(
    labels: Sequence[str], video: ExportVideo, size: tuple[int, int], step: int
) -> ET.Element:
    """Return what says of which task the file is. CVAT itself does not read it, others do."""
    meta = ET.Element("meta")
    task = ET.SubElement(meta, "task")
    add(task, "name", video.stem)
    add(task, "size", str(-(-video.frames // step)))
    add(task, "mode", "interpolation")
    add(task, "start_frame", "0")
    add(task, "stop_frame", str(max(0, video.frames - 1)))
    add(task, "frame_filter", f"step={step}")
    names = ET.SubElement(task, "labels")
    for label in cvat.labels(labels):
        element = ET.SubElement(names, "label")
        add(element, "name", label["name"])
        attributes = ET.SubElement(element, "attributes")
        for each in label["attributes"]:
            attribute = ET.SubElement(attributes, "attribute")
            add(attribute, "name", each["name"])
            add(attribute, "mutable", str(each["mutable"]))
            add(attribute, "input_type", each["input_type"])
            add(attribute, "default_value", each["default_value"])
            add(attribute, "values", "\n".join(each["values"]))
    original = ET.SubElement(task, "original_size")
    add(original, "width", str(size[0]))
    add(original, "height", str(size[1]))
    return meta


def _tracks(labels: Sequence[str], images: Sequence[ExportImage], task: _Task) -> Iterator[bytes]:
    objects = ((image, box) for image in images for box in image.boxes)
    for number, (image, box) in enumerate(objects):
        track = ET.Element("track", id=str(number), source="auto")
        track.set("label", xml_text(labels[box.class_index]))
        _add_box(track, box, image.frame_index, task, is_outside=False)
        if image.frame_index + task.step < task.frames:  # the last frame has no next one
            _add_box(track, box, image.frame_index + task.step, task, is_outside=True)
        yield xml_bytes(track)


def _add_box(
    track: ET.Element, box: ExportBox, frame: int, task: _Task, *, is_outside: bool
) -> None:
    x_scale, y_scale = task.scale
    element = ET.SubElement(
        track,
        "box",
        frame=str(frame),
        outside=str(int(is_outside)),
        occluded="0",
        keyframe="1",
        xtl=f"{box.x * x_scale:.2f}",
        ytl=f"{box.y * y_scale:.2f}",
        xbr=f"{box.right * x_scale:.2f}",
        ybr=f"{box.bottom * y_scale:.2f}",
        z_order="0",
    )
    ET.SubElement(element, "attribute", name="score").text = f"{box.score:g}"


FORMAT = Format("cvat-video", "CVAT, tasks of a video", "used", None, _files)
