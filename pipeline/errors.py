"""The three kinds of failure, never mixed, and the object that was gone before it was read.

Each message is a sentence for a person: what happened, why, and what to do.
"""


class PretagError(Exception):
    """The base of every failure that pretag understands."""


class RejectedError(PretagError):
    """The video is at fault; trying again cannot help.

    Attributes:
        reason: a stable word for machines, such as `not_a_video`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SupersededError(PretagError):
    """The object was replaced or deleted before it was read; its successor has its own event."""


class RetryableError(PretagError):
    """The world is at fault (throttling, a reset connection); trying again may help."""


class BrokenError(PretagError):
    """The deployment is at fault (model, permission, disk); a person must mend it first."""


class ConfigError(BrokenError):
    """A config key or value is wrong; the message names the key and what would be right."""
