"""Each stage of the job alone, over what it gets in the job, with the CPUs that the job has."""  # noqa: INP001 - used by bench.pipeline

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import cv2

from bench.measuring import timed
from pipeline.concurrency.cpus import available_cpus
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.config.schema import Config
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.deduplication.selection import FrameSelector
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.runlog import RunLog
from pipeline.storage.local import FolderSink, LocalVideo
from pipeline.storage.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.measuring import Costs
    from pipeline.frame import Frame

STAGES = ("decode", "dedupe", "detect", "encode", "write")

T = TypeVar("T")
R = TypeVar("R")


def costs(clip: Path) -> Costs:
    """Run the stages one after another."""
    sampled = _sampled(clip)
    _, decoding = timed(lambda: decode(clip, Config()))
    kept, hashing = timed(lambda: dedupe(sampled))
    _, detecting = timed(lambda: side_by_side(_detector().detect, [each.image for each in kept]))
    images, encoding = timed(lambda: side_by_side(_jpeg, kept))
    with TemporaryDirectory() as folder:
        _, writing = timed(lambda: write(images, clip, Path(folder)))
    return dict(zip(STAGES, (decoding, hashing, detecting, encoding, writing), strict=True))


def decode(clip: Path, config: Config) -> RunLog:
    """Decode a clip, keep nothing, and return the log with its counts."""
    log = RunLog()
    for _ in frames(clip, config, log):
        pass
    return log


def frames(clip: Path, config: Config, log: RunLog) -> Iterator[Frame]:
    """Decode a clip; yield its sampled frames."""
    with clip.open("rb") as stream:
        video = Video(stream, clip.name, config.limits, threads=available_cpus())
        yield from video.frames(Sampler(SamplingGrid.from_config(config)), log)


def dedupe(sampled: list[Frame]) -> list[Frame]:
    """Hash the sampled frames, and return the kept ones."""
    selector = FrameSelector(Config().dedupe)
    return [frame for frame in sampled if selector.select(frame).is_kept]


def write(images: list[bytes], clip: Path, folder: Path) -> None:
    """Deliver the images."""
    sink = FolderSink(folder, clip.name, "alone")
    with Publisher(sink, "alone", LocalVideo(clip, ""), RunLog()) as delivery, _crew() as executor:
        paths = (f"images/default/{number}.jpg" for number in range(len(images)))
        for _ in executor.map_io(lambda file: delivery.put(*file), zip(paths, images, strict=True)):
            pass


def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Map as the job does."""
    with _crew() as executor:
        return list(executor.map(work, iter(items)))


def _crew() -> OrderedExecutor:
    return OrderedExecutor(available_cpus())


def _jpeg(frame: Frame) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, Config().output.jpeg_quality]
    return cv2.imencode(".jpg", frame.image, quality)[1].tobytes()


@cache
def _sampled(clip: Path) -> list[Frame]:
    return list(frames(clip, Config(), RunLog()))


@cache
def _detector() -> Detector:
    config = Config().detector
    return Detector(Model.load(config.model), config)
