"""A child that is started ahead, so that it is ready when the video is."""

from __future__ import annotations

import atexit
from threading import Lock
from typing import TYPE_CHECKING

from pipeline.child_process.launching import IS_SUPPORTED
from pipeline.decoding.backend import automatic_backend
from pipeline.decoding.process.launching import Child

if TYPE_CHECKING:
    from pipeline.decoding.backend import BackendName

_lock = Lock()
_spare: list[Child] = []


def prepare_decoder() -> None:
    """Start a child for the next video, if none waits. It is ready after 0.09 to 0.15 seconds.

    It has the backend of `decoding.backend: auto`.
    """
    if not IS_SUPPORTED:
        return
    with _lock:
        if not _spare:
            _spare.append(Child(automatic_backend()))


def take_child(backend: BackendName) -> Child:
    """Return a child with this backend: the one that waits, or a new one."""
    if backend != automatic_backend():
        return Child(backend)
    with _lock:
        return _spare.pop() if _spare else Child(backend)


@atexit.register
def _close_spare() -> None:
    while _spare:
        _spare.pop().close()
