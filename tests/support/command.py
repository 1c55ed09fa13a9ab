"""The command `pretag` as tests call it; the fixture is in tests/integration/conftest.py."""

from collections.abc import Callable
from typing import NamedTuple


class Finished(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


Pretag = Callable[..., Finished]
