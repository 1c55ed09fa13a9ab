"""Hypothesis settings for all tests."""

from hypothesis import settings

# Without a deadline, because a slow machine is no failure of a test. Derandomised, so that a commit
# that failed once fails every time.
settings.register_profile("pretag", deadline=None, derandomize=True)
settings.load_profile("pretag")
