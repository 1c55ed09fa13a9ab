"""X-Ray tracing, where the deployment asks for it."""

import os
from collections.abc import Callable
from typing import Any

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def traced(handler: Handler) -> Handler:
    """Trace a handler if `POWERTOOLS_TRACE_DISABLED` is `false`.

    Powertools would trace unless it is `true`; but loading the X-Ray SDK takes a fifth of the
    cold start, so here silence means no.
    """
    if os.environ.get("POWERTOOLS_TRACE_DISABLED", "true") != "false":
        return handler
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - see above

    # The response holds keys of objects, and may outgrow a trace's 64 KB.
    return Tracer().capture_lambda_handler(handler, capture_response=False)
