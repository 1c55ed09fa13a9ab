"""Write the index page of all results, when a schedule asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.output import results_bucket
from pipeline.dataset.index.writing import write_index_page
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.client import split_uri
from pipeline.storage.s3.prefix_of_results import PrefixOfResults
from pipeline.storage.s3.retries import Retries

if TYPE_CHECKING:
    from handler.environment import Environment
    from handler.invocation import Invocation

logger = Logger(child=True)

LISTING_SECONDS = 300.0
"""Bounds what a page costs, however many results there are: docs/publish.md has the figures."""

READING_SECONDS = 15.0
"""Time that is kept after listing, to read the newest results and to write the page. Half of the
shortest TimeoutSeconds.
"""


def write_page(environment: Environment, invocation: Invocation) -> dict[str, Any]:
    """Write `index.html` into the output prefix of this deployment, and tell what was written.

    Raises:
        BrokenError: there are more results than can be listed in 5 minutes, or in the time of the
            function if that is shorter; or S3 refuses.
        RetryableError: S3 fails.
    """
    _, prefix = split_uri(environment.output)
    bucket = results_bucket(environment, Retries(invocation.deadline))
    place = PrefixOfResults(bucket, prefix, _listing_deadline(invocation.deadline))
    written = write_index_page(place)
    done = {
        "page": written.location,
        "results": written.results,
        "damaged": list(written.damaged),
    }
    logger.info("Index written", extra=done)
    return done


def _listing_deadline(end: Deadline) -> Deadline:
    """Return when listing must have ended, so that Lambda does not end the invocation first."""
    return Deadline(min(Deadline.after(LISTING_SECONDS).at, end.at - READING_SECONDS))
