"""Small export sets with known answers."""

from collections.abc import Iterable

from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportSet, ExportVideo
from pipeline.frame import Display

PERSON = ExportBox(0, 10.5, 20.25, 30.1, 40.05, 0.9007)
CAR = ExportBox(1, 0.0, 0.0, 640.0, 480.0, 0.5)


def video(
    uri: str = "in/street.mp4",
    run_id: str = "0123456789abcdef",
    location: str = "out/street.mp4/0123456789abcdef",
    display: Display | None = None,
) -> ExportVideo:
    """Return a run of a video of 100 frames."""
    return ExportVideo(uri, run_id, location, "1.2.3", 100, display or Display(640, 480))


def image(
    frame_index: int,
    boxes: Iterable[ExportBox] = (),
    of: ExportVideo | None = None,
    size: tuple[int, int] = (640, 480),
) -> ExportImage:
    """Return a kept frame of 640 x 480 pixels."""
    return ExportImage(
        of or video(),
        f"frame_{frame_index:06d}.jpg",
        frame_index,
        1000.0 * frame_index / 25,
        *size,
        tuple(boxes),
    )


def export_set(
    *images: ExportImage, labels: Iterable[str] = ("person", "car", "höhe & <x>")
) -> ExportSet:
    """Return an export set of images."""
    videos = dict.fromkeys(each.video for each in images)
    return ExportSet(tuple(labels), None, tuple(videos), images)


STREET = export_set(image(0, [PERSON, CAR]), image(99, [PERSON]), image(50))
"""Two frames with objects, one of them the last of the video, and one without any."""
