"""The keys of a result: their length, and the place where results may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.result_keys import LONGEST_PATH, ResultKeys, check_prefix
from pipeline.errors import BrokenError
from pipeline.frame import FrameRecord

RUN_ID = "0123456789abcdef"


def longest_key(keys: ResultKeys) -> int:
    return len(f"{keys.folder(RUN_ID)}/{LONGEST_PATH}".encode())


@pytest.mark.parametrize("letter", ["a", "é", "高", "🚗", "%"])
@pytest.mark.parametrize("prefix", ["pretag", "/data sets/höhe/", "", "x" * 512])
def test_a_key_is_too_long_exactly_if_a_key_of_its_results_is(prefix: str, letter: str) -> None:
    size = len(letter.encode())
    for length in range(300, 1025):
        key = letter * (length // size) + "a" * (length % size)
        keys = ResultKeys(prefix, key)
        rejection = keys.too_long()
        assert (rejection is not None) == (longest_key(keys) > 1024)
        assert len(f"{keys.rejection_folder(RUN_ID)}/rejection.json".encode()) <= 1024


def test_the_rejection_says_how_long_the_key_may_be() -> None:
    rejection = ResultKeys("pretag", "a" * 1000).too_long()
    assert rejection is not None
    assert rejection.reason == "key_too_long"
    assert "has 1000 bytes" in str(rejection)
    assert "a key of at most 965 bytes" in str(rejection)
    assert ResultKeys("pretag", "a" * 965).too_long() is None
    assert ResultKeys("pretag", "a" * 966).too_long() is not None


def test_no_path_of_a_result_is_longer_than_the_longest() -> None:
    year_of_frames = 366 * 24 * 3600 * 30
    image = FrameRecord(year_of_frames, 0.0, 0, 64, 48, "aa").file_name
    assert len(f"images/default/{image}") <= len(LONGEST_PATH)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_two_long_keys_have_two_folders(key: str) -> None:
    one, other = ResultKeys("out", key * 100), ResultKeys("out", key * 100 + "x")
    assert one.rejection_folder(RUN_ID) != other.rejection_folder(RUN_ID)


@pytest.mark.parametrize("prefix", ["pretag-work", "/pretag-work/", "pretag-work/runs"])
def test_a_prefix_below_the_work_files_is_refused(prefix: str) -> None:
    with pytest.raises(BrokenError, match="My prefix is below pretag-work/"):
        check_prefix(prefix, "My prefix")


def test_a_prefix_that_only_looks_like_that_of_the_work_files_is_accepted() -> None:
    check_prefix("pretag-workshop", "My prefix")
    check_prefix("datasets/pretag-work", "My prefix")


@pytest.mark.parametrize("prefix", ["x" * 513, "é" * 257, "\ud800"])
def test_a_prefix_that_is_too_long_or_no_text_is_refused(prefix: str) -> None:
    with pytest.raises(BrokenError, match="at most 512 bytes"):
        check_prefix(prefix, "My prefix")


def test_without_a_prefix_the_key_of_a_video_cannot_name_the_work_files() -> None:
    with pytest.raises(BrokenError, match=r"results of pretag-work/a\.mp4 is below pretag-work/"):
        ResultKeys("", "pretag-work/a.mp4")
