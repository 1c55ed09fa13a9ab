"""Read from a frame of PyAV how it is displayed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, cast

from av.sidedata.sidedata import Type

from pipeline.decoding.display import Orientation, orientation_of

if TYPE_CHECKING:
    import av
    from av.sidedata.sidedata import SideDataContainer

_MATRIX = struct.Struct("=9i")


def frame_orientation(frame: av.VideoFrame) -> Orientation:
    """Return how a frame is displayed: by the container, or by the codec (SEI, EXIF)."""
    try:
        # The stubs of PyAV 18 are wrong here.
        matrix = cast("SideDataContainer", frame.side_data)[Type.DISPLAYMATRIX]
    except KeyError:
        return Orientation()
    return orientation_of(_MATRIX.unpack(bytes(matrix)))


def _unnamed_type(cls: type[Any], value: object) -> object:
    """Return a member for side data that PyAV has no name for."""
    member = object.__new__(cls)
    member._name_, member._value_ = f"UNNAMED_{value}", value
    return member


# PyAV 18 knows no EXIF data, and otherwise raises an error for all side data of such a frame.
Type._missing_ = classmethod(_unnamed_type)  # type: ignore[assignment,method-assign]
