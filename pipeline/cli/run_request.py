"""What a command line wants to be annotated: videos, with a configuration, to a place."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipeline.cli.result_place import result_place
from pipeline.cli.videos import named_videos
from pipeline.concurrency.cpus import available_cpus
from pipeline.config import layers
from pipeline.decoding.limits import check_file_size
from pipeline.decoding.opening import OpenedVideo
from pipeline.errors import PretagError
from pipeline.resources.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.cli.result_place import ResultPlace
    from pipeline.cli.videos import NamedVideo
    from pipeline.config.schema import Config


@dataclass(frozen=True)
class RunRequest:
    """A command line that was checked.

    Attributes:
        videos: the videos.
        out: where all results go, as the command line names it.
        place: the same.
        config: the effective configuration.
        jobs: number of processes that work at a time.
    """

    videos: list[NamedVideo]
    out: str
    place: ResultPlace
    config: Config
    jobs: int

    @classmethod
    def of(
        cls,
        videos: tuple[str, ...],
        out: str,
        config_file: Path | None,
        assignments: tuple[str, ...],
        jobs: int,
    ) -> Self:
        """Check what a command line names; nothing is written.

        Raises:
            ConfigError: the configuration is wrong.
            PathError: a path names no video, or results cannot go there.
            PretagError: S3 does not list a prefix.
        """
        place, named = result_place(out), named_videos(videos)
        return cls(named, out, place, _effective_config(config_file, assignments), jobs)

    @contextmanager
    def first_video(self) -> Iterator[OpenedVideo | None]:
        """Decode the first video in the block, if this process annotates it as a whole.

        Yields:
            The video; None if another process opens it, or if it cannot be opened. Why it cannot
            be is said when it is annotated.
        """
        opened = None
        if self.jobs == 1:
            with suppress(PretagError, OSError):
                source = self.videos[0].open()
                check_file_size(source, self.config.limits)
                opened = OpenedVideo(
                    source, self.config, threads=available_cpus(), budget=Budget.unlimited()
                )
                opened.begin()
        with opened or nullcontext():
            yield opened


def _effective_config(file: Path | None, assignments: tuple[str, ...]) -> Config:
    config_layers = []
    file = file or _file_from_environment()
    if file is not None:
        config_layers.append(layers.read_file_layer(file))
    config_layers.append(layers.environment_layer(os.environ))
    config_layers.append(layers.assignments_layer("--set", assignments))
    return layers.merge(*config_layers)


def _file_from_environment() -> Path | None:
    name = os.environ.get(layers.FILE_VARIABLE)
    return Path(name) if name else None
