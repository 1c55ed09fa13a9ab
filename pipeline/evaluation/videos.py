"""Find the images of one video in a truth that has images of several.

Frames of different videos have the same names: each video has a `frame_000010.jpg`. Tools put the
name of a video, a task or an upload before it, or a number behind it: a CVAT project calls the
frames of its second task `frame_000010_1.jpg`, but only those whose names were taken. So the images
of a truth are divided into those of each video, and one of them is the run's, by the first of these
that decides:

1. Names. A folder, or the text before `frame_`, names the video or the run.
2. Boxes. Only one of the videos has boxes with the very same numbers as the run.
3. Frames. Only one of the videos has no frame that the run does not have.

If none decides, the truth is refused: a guess would compare the frames of different videos.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.config.video_suffixes import video_suffixes
from pipeline.errors import InputFileError
from pipeline.evaluation.coco_files import short_json
from pipeline.evaluation.frame_names import NamedFrame, named_frames
from pipeline.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.evaluation.coco_models import Image, Instances, RunInstances
    from pipeline.evaluation.run_names import RunNames

# Boxes of different videos can be the same by chance: around the whole image, for example.
_LEAST_SAME_BOXES, _MOST_CHANCE_SHARE = 3, 0.1
# A name that is unique over several runs: `street-f5f8366f`. Digits alone may be a date.
_RUN = re.compile(r"-(?=[0-9]*[a-f])[0-9a-f]{8}$")

ToldBy = Literal["only_video", "names", "boxes", "frames"]


@dataclass(frozen=True, slots=True)
class TruthImages:
    """The images of a truth.

    Attributes:
        of_run: those of the run's video, and those whose names are not of frames.
        of_others: those of other videos.
        told_by: what told them apart.
        same_boxes: number of boxes that have the very same numbers in the run and in `of_run`.
    """

    of_run: list[Image]
    of_others: list[Image]
    told_by: ToldBy
    same_boxes: int


_Video = list[NamedFrame]
_Box = tuple[int, str, tuple[float, ...]]


def images_of_run(run: RunInstances, truth: Instances, names: RunNames) -> TruthImages:
    """Return the images of the truth that are of the run's video, and those of other videos.

    Raises:
        InputFileError: the truth has several videos, and nothing tells which one is the run's; or
            it names other videos only.
    """
    run_frames, frames = named_frames(run.images), named_frames(truth.images)
    videos = list(_divide(frames))
    candidates, told_by = _by_name(videos, names)
    if len(candidates) > 1:
        told_by = "boxes"
        by_boxes = _by_boxes(candidates, set(_boxes(run, run_frames)), truth)
        if len(by_boxes) != 1:
            told_by = "frames"
            by_boxes = _by_frames(candidates, run_frames)
        if len(by_boxes) != 1:
            raise _untold(frames)
        candidates = by_boxes
    chosen = [frame for video in candidates for frame in video]
    others = {frame.image.id for frame in frames} - {frame.image.id for frame in chosen}
    return TruthImages(
        of_run=[image for image in truth.images if image.id not in others],
        of_others=[image for image in truth.images if image.id in others],
        told_by=told_by,
        same_boxes=_same_boxes(set(_boxes(run, run_frames)), truth, chosen),
    )


def _divide(frames: Iterable[NamedFrame]) -> Iterator[_Video]:
    """Yield the frames of each video: of each place, and in one place by the order.

    Tools export task after task, each in the order of time.

    Raises:
        InputFileError: the frames of several videos have one place, and another order.
    """
    places: defaultdict[tuple[str, ...], _Video] = defaultdict(list)
    for frame in frames:
        places[frame.place].append(frame)
    for place in places.values():
        most = _most_twins(place)
        if most == 1:
            yield place
            continue
        videos = _ascending_parts(place)
        names = [frame.image.file_name for frame in place]
        if len(videos) != most or names == sorted(names):
            raise _untold(place)
        yield from videos


def _ascending_parts(frames: Iterable[NamedFrame]) -> list[_Video]:
    """Return the frames in parts, each of which ends where the frame index does not grow."""
    parts: list[_Video] = []
    last = -1
    for frame in frames:
        if not parts or frame.index <= last:
            parts.append([])
        parts[-1].append(frame)
        last = frame.index
    return parts


def _most_twins(frames: Iterable[NamedFrame]) -> int:
    """Return how many videos have the same frame, at least 1."""
    frames = list(frames)
    counts = Counter(frame.index for frame in frames)
    return max([1, *counts.values(), *(frame.twin + 1 for frame in frames)])


def _by_name(videos: list[_Video], names: RunNames) -> tuple[list[_Video], ToldBy]:
    """Return the videos that may be the run's by their names, and whether they are named so.

    Tools also divide the images of one video, into `train` and `val`. So videos without a common
    frame count as one here.

    Raises:
        InputFileError: all videos have names of other videos.
    """
    for is_name in (names.is_run, names.is_video):
        named = [video for video in videos if any(map(is_name, video[0].place))]
        if named:
            return _joined(named), "names"
    unnamed = [video for video in videos if not _other_names(video)]
    if videos and not unnamed:
        others = _listed(name for video in videos for name in _other_names(video))
        raise InputFileError(
            f"The truth is of {others}, and the run is of {shortened(names.video)}. Give an export "
            "of the run's own images, or the folder of the run that belongs to the truth."
        )
    return _joined(unnamed), "only_video" if len(unnamed) == len(videos) else "names"


def _joined(videos: list[_Video]) -> list[_Video]:
    frames = [frame for video in videos for frame in video]
    return [frames] if frames and _most_twins(frames) == 1 else videos


def _other_names(video: _Video) -> list[str]:
    """Return what names a video for certain: a file name with a video's suffix, or a run."""
    *folders, before = video[0].place
    suffixes = video_suffixes(None)
    names = [name for name in (*folders, before) if name.lower().endswith(suffixes)]
    return [*names, before] if _RUN.search(before) is not None else names


def _by_boxes(videos: list[_Video], of_run: set[_Box], truth: Instances) -> list[_Video]:
    """Return the videos with boxes of the run that nobody changed."""
    same = [_same_boxes(of_run, truth, video) for video in videos]
    least = max(_LEAST_SAME_BOXES, max(same) * _MOST_CHANCE_SHARE)
    return [video for video, count in zip(videos, same, strict=True) if count >= least]


def _same_boxes(of_run: set[_Box], truth: Instances, frames: Iterable[NamedFrame]) -> int:
    return len(of_run.intersection(_boxes(truth, frames)))


def _boxes(coco: RunInstances | Instances, frames: Iterable[NamedFrame]) -> Iterator[_Box]:
    """Yield frame index, class and numbers of each box. pretag and CVAT write two decimals."""
    indexes = {frame.image.id: frame.index for frame in frames}
    classes = {category.id: category.name for category in coco.categories}
    for each in coco.annotations:
        if each.image_id in indexes:
            numbers = tuple(round(value, 2) for value in each.bbox)
            yield indexes[each.image_id], classes[each.category_id], numbers


def _by_frames(videos: list[_Video], run: Iterable[NamedFrame]) -> list[_Video]:
    """Return the videos that have no frame, and no size of an image, that the run does not have."""
    images = {frame.index: frame.image for frame in run}
    return [
        video
        for video in videos
        if all(
            frame.index in images and _have_one_size(frame.image, images[frame.index])
            for frame in video
        )
    ]


def _have_one_size(one: Image, other: Image) -> bool:
    """Tell whether two images may have the same size. Some tools write no size, or 0."""
    sides = ((one.width, other.width), (one.height, other.height))
    return all(not a or not b or a == b for a, b in sides)


def _untold(frames: Iterable[NamedFrame]) -> InputFileError:
    frames = list(frames)
    counts = Counter(frame.index for frame in frames)
    index, _ = counts.most_common(1)[0]
    same = _listed(frame.image.file_name for frame in frames if frame.index == index)
    return InputFileError(
        f"The truth has images of several videos, such as {same}, and nothing in it tells which "
        "of them are of this run. Export the images of this video alone: in CVAT, the dataset of "
        "its task and not of the project. Give that file with --truth."
    )


def _listed(names: Iterable[str]) -> str:
    first, *others = sorted({short_json(shortened(name)) for name in names})
    return f"{first} and {others[0]}" if others else first
