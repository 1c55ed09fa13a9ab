"""The Lambda function's entry point."""

from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from handler.environment import Environment
from handler.events import Job, parse
from handler.metrics import emit_superseded
from handler.worker import effective_config, work
from pipeline.errors import SupersededError

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Work through all records of an event, then raise if any must be tried again.

    Returns:
        A summary: a line for each video, and each record that was passed over, with its reason.

    Raises:
        PretagError: the first failure that is not the video's own; AWS retries the event, and
            then puts it whole into the failure queue.
    """
    environment = Environment.load()
    config = effective_config(environment)
    videos: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    failures: list[Exception] = []
    for job in parse(event, environment.video_suffixes):
        if not isinstance(job, Job):
            logger.info("Skipped", extra={"record": job.what, "reason": job.why})
            skipped.append({"record": job.what, "reason": job.why})
            continue
        try:
            video = work(job, config, environment)
            logger.info("Video %s", video["status"], extra={"outcome": video})
        except SupersededError as error:
            logger.warning("Video superseded", extra={"video": job.uri, "reason": str(error)})
            emit_superseded(job.uri)
            video = {"video": job.uri, "status": "superseded", "message": str(error)}
        except Exception as error:  # the other records come first; it is raised below
            logger.exception("Video failed", extra={"video": job.uri})
            failures.append(error)
            continue
        videos.append(video)
    if failures:
        raise failures[0]
    return {"videos": videos, "skipped": skipped}
