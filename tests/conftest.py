"""Settings for all tests."""

from hypothesis import settings

# Machines are noisy: a slow example is no failure. Derandomised, so that a red commit stays red.
settings.register_profile("pretag", deadline=None, derandomize=True)
settings.load_profile("pretag")
