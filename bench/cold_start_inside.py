"""A script that runs inside the image. It starts Python processes one by one, and prints times.

Takes the number of starts and an event as arguments. The kinds of start alternate, so that other
load on the machine affects all of them.
"""

import json
import subprocess
import sys
import time
from collections import Counter

BARE_IMPORTS = "import boto3, cv2, onnxruntime; from aws_lambda_powertools import Logger, Metrics"
IMPORT_HANDLER = "import handler.app"
# Each prints points in time as JSON. All processes share the monotonic clock.
STARTS = {
    "interpreter": "times = {}",
    "bare imports": f"{BARE_IMPORTS}; times = {{}}",
    "handler": f"{IMPORT_HANDLER}; times = {{}}",
    "model": """
import handler.app
from pipeline.config.schema import Config
from pipeline.detection.model import Model
times = {"imported": time.monotonic()}
Model.load(Config().detector.model)
""",
    "first byte": """
import os
import handler.app
from botocore.response import StreamingBody
times = {"imported": time.monotonic()}
read = StreamingBody.read
def first_read(*arguments, **options):
    data = read(*arguments, **options)
    times["end"] = time.monotonic()
    os.write(3, json.dumps(times).encode())
    os._exit(0)
StreamingBody.read = first_read
class Context:
    function_name = invoked_function_arn = aws_request_id = "bench"
    memory_limit_in_mb = 3008
handler.app.lambda_handler(EVENT, Context())
""",
}
# The first start is not counted: after it, the files are in the kernel's cache.
WARM_UP = 1


def start(code: str, event: str) -> dict[str, float]:
    """Start a process, and return its points in time in seconds since the start."""
    program = (
        f"import json, time\nEVENT = json.loads({event!r})\n{code}\n"
        "times['end'] = time.monotonic()\nimport os\nos.write(3, json.dumps(times).encode())"
    )
    shell = ["/bin/sh", "-c", 'exec python3 -c "$0" 3>&1 1>&2', program]
    started = time.monotonic()
    result = subprocess.run(shell, capture_output=True, text=True, check=False)  # noqa: S603 - the code above
    if result.returncode != 0:
        sys.exit(result.stderr)
    return {name: moment - started for name, moment in json.loads(result.stdout).items()}


def import_times(code: str) -> dict[str, float]:
    """Run imports; return the seconds of each package without the packages that it imports."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - same
    by_package: Counter[str] = Counter()
    for line in result.stderr.splitlines():
        microseconds, _, name = line.removeprefix("import time:").split("|")
        if microseconds.strip().isdigit():
            by_package[name.strip().split(".")[0]] += int(microseconds)
    return {name: microseconds / 1e6 for name, microseconds in by_package.items()}


def main() -> None:
    """Print the points in time of all starts, as a list of rounds."""
    count, event = int(sys.argv[1]), sys.argv[2]
    rounds = []
    for _ in range(WARM_UP + count):
        times = {name: start(code, event) for name, code in STARTS.items()}
        times["import times, bare imports"] = import_times(BARE_IMPORTS)
        times["import times, handler"] = import_times(IMPORT_HANDLER)
        rounds.append(times)
    print(json.dumps(rounds[WARM_UP:]))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
