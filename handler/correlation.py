"""The correlation id: the same in all log lines and metrics of one upload, and in its manifest.

An upload has one id, however many invocations work on it: attempts, shards of a long video, events
that come twice.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handler.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools import Logger

    from handler.jobs import Item

# Kept for the whole process, not in a context variable, so that the threads of a run see it too. An
# invocation works on one video at a time.
_current: list[str] = []


@contextmanager
def correlated(item: Item) -> Iterator[None]:
    """Give all log lines of the block, and its metrics, the id of a job; other items have none."""
    if not isinstance(item, Job):
        yield
        return
    correlation_id = item.correlation_id
    _current.append(correlation_id)
    try:
        yield
    finally:
        _current.remove(correlation_id)


def current_correlation() -> str | None:
    """Return the id of the upload that is worked on; None if none is."""
    return _current[-1] if _current else None


def prepare_log(own: Logger) -> None:
    """Add the id to each line, and write the pipeline's lines as the function's: as JSON objects.

    In Lambda, the runtime would write those of the pipeline a second time, as plain text.
    """
    own.registered_handler.addFilter(_with_correlation)
    of_pipeline = logging.getLogger("pipeline")
    of_pipeline.addHandler(own.registered_handler)
    of_pipeline.setLevel(own.log_level)
    of_pipeline.propagate = "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def _with_correlation(record: logging.LogRecord) -> bool:
    correlation_id = current_correlation()
    if correlation_id is not None:
        record.correlation_id = correlation_id  # the formatter writes what a record has in addition
    return True
