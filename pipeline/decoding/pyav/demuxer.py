"""What FFmpeg says of a demuxer as a whole.

https://ffmpeg.org/doxygen/trunk/avformat_8h.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from av.container import InputContainer

_NO_TIMES = 0x80  # AVFMT_NOTIMESTAMPS
_MAY_START_ANYWHERE = 0x200  # AVFMT_TS_DISCONT


def has_no_times(container: InputContainer) -> bool:
    """Tell whether files of this format have no times: elementary streams."""
    return bool(_flags(container) & _NO_TIMES)


def may_start_anywhere(container: InputContainer) -> bool:
    """Tell whether files of this format may be joined and cut anywhere: transport streams."""
    return bool(_flags(container) & _MAY_START_ANYWHERE)


def _flags(container: InputContainer) -> int:
    """Return the flags of the demuxer: PyAV adds those of the muxer if it was told the name."""
    return av.ContainerFormat(container.format.name.partition(",")[0], "r").flags
