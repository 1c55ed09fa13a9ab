"""What holds for all tests: the default model, Ctrl-C, and the settings of Hypothesis."""

import gc
import signal

import pytest
from hypothesis import settings

from pipeline.config.default_model import DEFAULT_MODEL_FILE

if DEFAULT_MODEL_FILE.exists():
    pytest.exit(f"The tests know SSDLite as the default model. Remove {DEFAULT_MODEL_FILE}.", 4)

# A job that a script starts in the background inherits SIGINT as ignored, and tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Without a deadline, because a slow machine is no failure of a test. Derandomised, so that a commit
# that failed once fails every time.
settings.register_profile("pretag", deadline=None, derandomize=True)
settings.load_profile("pretag")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was collected, which stays to the end."""
    gc.freeze()
