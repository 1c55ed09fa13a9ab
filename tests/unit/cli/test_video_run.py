"""The end of one video, whatever happens to it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

from pipeline.cli.result_place import result_place
from pipeline.cli.video_run import VideoEnd, run_video
from pipeline.cli.videos import NamedVideo
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from pathlib import Path


def fails(*_arguments: object) -> NoReturn:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_an_error_of_the_system_is_the_end_of_its_video_alone(tmp_path: Path) -> None:
    video = NamedVideo(str(SAMPLE), 1, SAMPLE)
    end = run_video(video, result_place(str(tmp_path)), fails, lambda *_: None)
    said = f"{SAMPLE} has no result. Input or output failed: Too many open files."
    assert end == VideoEnd(video, SAMPLE.name, None, said)
