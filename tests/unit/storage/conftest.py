"""What the tests of storage share."""

from pathlib import Path

import pytest

from pipeline.storage.local import LocalVideo


@pytest.fixture
def video(tmp_path: Path) -> LocalVideo:
    """Return a file with the content `content`. A real video is not needed here."""
    path = tmp_path / "in" / "clip 1.mp4"
    path.parent.mkdir()
    path.write_bytes(b"content")
    return LocalVideo.at(path)
