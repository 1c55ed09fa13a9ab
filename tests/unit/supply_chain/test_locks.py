"""Read the requirements files."""

from pathlib import Path

import pytest

from supply_chain.advisories import groups
from supply_chain.locks import IMAGE_LOCK, Pin, all_locks, read_pins
from supply_chain.problems import SupplyChainError

DIGEST = "0" * 64


def lock(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_package_with_other_versions_for_other_pythons_has_a_pin_for_each(tmp_path: Path) -> None:
    path = lock(
        tmp_path / "a.txt",
        "numpy==2.4.6 ; python_full_version < '3.12' \\",
        f"    --hash=sha256:{DIGEST} \\",
        f"    --hash=sha256:{'1' * 64}",
        "numpy==2.5.5 ; python_full_version >= '3.12' \\",
        f"    --hash=sha256:{DIGEST}",
    )
    pins = read_pins([path])
    assert pins == [Pin("numpy", "2.4.6"), Pin("numpy", "2.5.5")]
    assert [pin.sha256 for pin in pins] == [(DIGEST, "1" * 64), (DIGEST,)]


@pytest.mark.parametrize(
    "line",
    [
        "numpy>=2",
        "numpy==2.5.5",  # without a hash
        "--find-links wheels",
        "-e .",
        "numpy @ https://example.com/numpy.whl",
        "    --hash=sha256:abc",
    ],
)
def test_a_line_that_is_not_a_pin_with_hashes_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(SupplyChainError, match="line 1, is neither"):
        read_pins([lock(tmp_path / "a.txt", line)])


def test_all_requirements_files_have_only_pins_with_hashes() -> None:
    assert IMAGE_LOCK in all_locks()
    assert len(all_locks()) >= 7
    for path in all_locks():
        pins = read_pins([path])
        assert len(pins) > 10
        assert all(pin.sha256 for pin in pins)


def test_a_package_is_in_a_group_once() -> None:
    pins = [Pin("a", "1"), Pin("a", "2"), Pin("b", "1"), Pin("a", "3"), Pin("b", "2")]
    assert groups(pins) == [[pins[0], pins[2]], [pins[1], pins[4]], [pins[3]]]
