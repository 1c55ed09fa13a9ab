"""The limit of joining: what it keeps for what comes after, and what its message says."""

import pytest

from pipeline.errors import CapacityError
from pipeline.resources.budget import Budget
from pipeline.resources.capacity import Capacity
from pipeline.resources.joining_limit import JoiningLimit
from tests.support.deadlines import ManualDeadline

FUNCTION = Capacity(megabytes=3008, seconds=900)
IMAGES, IMAGE_BYTES = 20_000, 100_000


def joining(seconds_left: float, exports: int) -> JoiningLimit:
    """Return the limit of 20,000 images of 100 kB: 20 seconds to copy, and 200 an export."""
    budget = Budget(ManualDeadline(seconds_left), FUNCTION)
    return JoiningLimit("cam.mp4", budget, [IMAGE_BYTES] * IMAGES, exports=exports)


@pytest.mark.parametrize(("exports", "reserve"), [(0, 40), (1, 240), (2, 440)])
def test_the_time_to_copy_and_to_write_each_export_is_kept(exports: int, reserve: int) -> None:
    joining(reserve + 1, exports).add(IMAGE_BYTES)
    with pytest.raises(CapacityError, match=f"the last {reserve} seconds are kept") as raised:
        joining(reserve - 1, exports).add(IMAGE_BYTES)
    assert raised.value.reason == "too_long_for_function"


@pytest.mark.parametrize(("exports", "kept"), [
    (1, "are kept for publishing and for writing 1 export. Leave out output.exports"),
    (3, "are kept for publishing and for writing 3 exports. Leave out output.exports"),
])  # fmt: skip
def test_the_message_names_the_exports_that_the_time_is_kept_for(exports: int, kept: str) -> None:
    with pytest.raises(CapacityError, match=kept):
        joining(100, exports).add(IMAGE_BYTES)


def test_without_exports_the_message_does_not_name_them() -> None:
    with pytest.raises(CapacityError) as raised:
        joining(10, 0).add(IMAGE_BYTES)
    assert "export" not in str(raised.value)
    assert "are kept for publishing. Set output.archive to none" in str(raised.value)
