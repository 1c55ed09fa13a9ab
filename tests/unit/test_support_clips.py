"""Writing a clip changes nothing for the tests that come after it in the same process."""

import os
import sys
from pathlib import Path

import pytest

from tests.support import clips


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such priority")
def test_an_av1_clip_leaves_the_priority_of_the_process(tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "clip.mp4", [clips.barcode(1)], codec="libsvtav1")

    assert os.sched_getscheduler(0) == os.SCHED_OTHER
