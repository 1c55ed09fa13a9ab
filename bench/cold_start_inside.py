"""Runs inside the image: starts one Python process after another, and prints when each got where.

Takes the number of starts and an event as arguments. The kinds of start alternate, so that a busy
moment of the machine falls on all of them.
"""  # noqa: INP001 - run by path

import json
import subprocess
import sys
import time
from collections import Counter

BARE_IMPORTS = "import boto3, cv2, onnxruntime; from aws_lambda_powertools import Logger, Metrics"
IMPORT_HANDLER = "import handler.app"
# Each prints moments of the one clock that all processes share, as JSON.
STARTS = {
    "interpreter": "moments = {}",
    "bare imports": f"{BARE_IMPORTS}; moments = {{}}",
    "handler": f"{IMPORT_HANDLER}; moments = {{}}",
    "model": """
import handler.app
from pipeline.config.schema import Config
from pipeline.detection.model import Model
moments = {"imported": time.monotonic()}
Model.load(Config().detector.model)
""",
    "first byte": """
import os
import handler.app
from botocore.response import StreamingBody
moments = {"imported": time.monotonic()}
read = StreamingBody.read
def first_read(*arguments, **options):
    data = read(*arguments, **options)
    moments["end"] = time.monotonic()
    os.write(3, json.dumps(moments).encode())
    os._exit(0)
StreamingBody.read = first_read
class Context:
    function_name = invoked_function_arn = aws_request_id = "bench"
    memory_limit_in_mb = 3008
handler.app.lambda_handler(EVENT, Context())
""",
}
# The kernel keeps what was read once; so does Lambda's host. One start is not counted.
HEATING = 1


def start(code: str, event: str) -> dict[str, float]:
    """Start a process, and return its moments in seconds since then."""
    program = (
        f"import json, time\nEVENT = json.loads({event!r})\n{code}\n"
        "moments['end'] = time.monotonic()\nimport os\nos.write(3, json.dumps(moments).encode())"
    )
    shell = ["/bin/sh", "-c", 'exec python3 -c "$0" 3>&1 1>&2', program]
    began = time.monotonic()
    result = subprocess.run(shell, capture_output=True, text=True, check=False)  # noqa: S603 - the code above
    if result.returncode != 0:
        sys.exit(result.stderr)
    return {name: moment - began for name, moment in json.loads(result.stdout).items()}


def import_times(code: str) -> dict[str, float]:
    """Run code that imports, and return each package's own seconds."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - same
    own: Counter[str] = Counter()
    for line in result.stderr.splitlines():
        microseconds, _, name = line.removeprefix("import time:").split("|")
        if microseconds.strip().isdigit():
            own[name.strip().split(".")[0]] += int(microseconds)
    return {name: microseconds / 1e6 for name, microseconds in own.items()}


def main() -> None:
    """Print the moments of all starts, round by round."""
    count, event = int(sys.argv[1]), sys.argv[2]
    rounds = []
    for _ in range(HEATING + count):
        moments = {name: start(code, event) for name, code in STARTS.items()}
        moments["own, bare imports"] = import_times(BARE_IMPORTS)
        moments["own, handler"] = import_times(IMPORT_HANDLER)
        rounds.append(moments)
    print(json.dumps(rounds[HEATING:]))  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
