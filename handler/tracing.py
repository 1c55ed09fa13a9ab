"""Trace with X-Ray, if the deployment asks for it."""

import os
from collections.abc import Callable
from typing import Any

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def traced(handler: Handler) -> Handler:
    """Return the handler with tracing if `POWERTOOLS_TRACE_DISABLED` is `false`.

    Powertools traces unless the variable is `true`. Here an unset variable means no tracing,
    because loading the X-Ray SDK takes a fifth of the cold start.
    """
    if os.environ.get("POWERTOOLS_TRACE_DISABLED", "true") != "false":
        return handler
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - see above

    # The response holds object keys, and may be larger than the 64 KB of a trace.
    return Tracer().capture_lambda_handler(handler, capture_response=False)
