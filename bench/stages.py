"""Measure each stage of the job alone, with the same input and the same number of CPUs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from bench.measuring import timed
from bench.whole_job import detector
from pipeline.concurrency.cpus import available_cpus
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.config.schema import Config
from pipeline.decoding.video import Video
from pipeline.deduplication.selection import FrameSelector
from pipeline.runlog import RunLog
from pipeline.stages import encode_jpeg
from pipeline.storage.local import FolderStore, LocalVideo
from pipeline.storage.publisher import Publisher
from tests.support.decoding import sampled_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.measuring import Costs
    from pipeline.frame import Frame

STAGES = ("decode", "dedupe", "detect", "encode", "write")

T = TypeVar("T")
R = TypeVar("R")


def measure(clip: Path) -> Costs:
    """Run the stages one after another."""
    frames = _sampled(clip)
    _, decoding = timed(lambda: decode(clip, Config()))
    kept, hashing = timed(lambda: select(frames))
    images = [frame.image for frame in kept]
    _, detecting = timed(lambda: map_in_parallel(detector().detect, images))
    quality = Config().output.jpeg_quality
    files, encoding = timed(
        lambda: map_in_parallel(lambda image: encode_jpeg(image, quality), images)
    )
    with TemporaryDirectory() as folder:
        _, writing = timed(lambda: write(files, clip, Path(folder)))
    return dict(zip(STAGES, (decoding, hashing, detecting, encoding, writing), strict=True))


def decode(clip: Path, config: Config) -> RunLog:
    """Decode a clip without keeping the frames, and return the log with the counts."""
    log = RunLog()
    with clip.open("rb") as stream:
        video = Video(stream, clip.name, config.limits, threads=available_cpus())
        for _ in sampled_frames(video, config, log):
            pass
    return log


def select(frames: list[Frame]) -> list[Frame]:
    """Return the frames that are kept."""
    selector = FrameSelector(Config().dedupe)
    return [frame for frame in frames if selector.select(frame).is_kept]


def write(files: list[bytes], clip: Path, folder: Path) -> None:
    """Write the files to a folder, in as many threads as the job uses."""
    store = FolderStore(folder, clip.name, "alone")
    paths = (f"images/default/{number}.jpg" for number in range(len(files)))
    with (
        Publisher(store, "alone", LocalVideo(clip), RunLog()) as publisher,
        OrderedExecutor(available_cpus()) as executor,
    ):
        publisher.begin()
        for _ in executor.map_io(lambda file: publisher.put(*file), zip(paths, files, strict=True)):
            pass


def map_in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call a function for each item, in as many threads as the job uses."""
    with OrderedExecutor(available_cpus()) as executor:
        return list(executor.map(function, iter(items)))


@cache
def _sampled(clip: Path) -> list[Frame]:
    config = Config()
    with clip.open("rb") as stream:
        video = Video(stream, clip.name, config.limits, threads=available_cpus())
        return list(sampled_frames(video, config))
