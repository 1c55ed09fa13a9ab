"""The errors that pretag raises, by whose fault it is.

Each message is a sentence for a person: what happened, why, and what to do.
"""

from __future__ import annotations


class PretagError(Exception):
    """Base class of all errors that pretag raises."""


class RejectedError(PretagError):
    """The video is at fault. Trying again does not help.

    Attributes:
        reason: a stable code for programs, such as `not_a_video`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[RejectedError], tuple[str, str]]:
        """Return how the error is made again in another process."""
        return type(self), (self.reason, str(self))


class CapacityError(RejectedError):
    """The video needs more memory or time than the function has.

    A larger function may process it, so the rejection holds only for functions that are not larger.
    """


class SupersededError(PretagError):
    """The object was replaced or deleted before it was read. A new version has its own event."""


class HandedOverError(PretagError):
    """Other invocations do the run. This attempt has ended in good order, without a result.

    Attributes:
        execution: name of the execution that does it.
        shards: number of parts of the video.
    """

    def __init__(self, message: str, execution: str, shards: int) -> None:
        super().__init__(message)
        self.execution = execution
        self.shards = shards


class RetryableError(PretagError):
    """A service is at fault, as with throttling or a reset connection. Trying again may help."""


class BrokenError(PretagError):
    """The deployment is at fault: model, permission or disk. A person must repair it first."""


class InputFileError(PretagError):
    """A file that a person named on the command line cannot be used, such as a COCO file."""


class PathError(InputFileError):
    """A path that a person gave is wrong: it does not exist, is of another kind, or is a URI."""


class ConfigError(BrokenError):
    """A config key or value is wrong. The message names the key and what would be right."""
