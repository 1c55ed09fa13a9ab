"""pretag's Python API: videos come in, datasets that labellers start from go out.

Everything that a user may rely on is in `__all__`. The packages `pipeline` and `handler` hold the
implementation; what is in them can change without notice.

    >>> import pretag
    >>> outcome = pretag.annotate("video.mp4", "out", config={"sampling": {"every_seconds": 2}})
    >>> outcome.status, outcome.result
    ('done', 'out/video.mp4/4d74e186ee10522a')
"""

from pipeline import __version__
from pipeline.config.schema import Config
from pipeline.detection.detector import Detector
from pipeline.errors import (
    BrokenError,
    ConfigError,
    InputFileError,
    PretagError,
    RejectedError,
    RetryableError,
    SupersededError,
)
from pipeline.frame import Detections, Frame
from pipeline.outcome import Outcome
from pretag.api import annotate, load_config, load_detector, sample_frames

__all__ = [
    "BrokenError",
    "Config",
    "ConfigError",
    "Detections",
    "Detector",
    "Frame",
    "InputFileError",
    "Outcome",
    "PretagError",
    "RejectedError",
    "RetryableError",
    "SupersededError",
    "__version__",
    "annotate",
    "load_config",
    "load_detector",
    "sample_frames",
]
