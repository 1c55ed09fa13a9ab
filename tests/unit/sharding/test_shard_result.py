"""The result of a shard survives its way through bytes exactly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.schema import DedupeConfig, HashMethodName
from pipeline.dataset.frame_table import FrameTable
from pipeline.sharding.shard_result import ShardResult
from tests.support.clips import texture
from tests.support.records import frames_of, shard_result


def assert_equal(result: ShardResult, other: ShardResult) -> None:
    """Check that nothing differs. Arrays have no `==` that gives one answer."""
    for name in ("number", "images", "coverage", "duration_ms", "stages", "counters"):
        assert getattr(result, name) == getattr(other, name)
    for name in ("note", "seconds", "peak_megabytes", "decoder_megabytes", "archive"):
        assert getattr(result, name) == getattr(other, name)
    assert [repr(each) for each in result.records] == [repr(each) for each in other.records]
    for record, copy in zip(result.records, other.records, strict=True):
        for name in ("boxes", "scores", "class_ids"):
            array, array_copy = (getattr(each.detections, name) for each in (record, copy))
            assert array.dtype == array_copy.dtype
            assert array.shape == array_copy.shape
            assert array.tobytes() == array_copy.tobytes()
    for print_, copy_ in zip(result.fingerprints, other.fingerprints, strict=True):
        assert print_.hash == copy_.hash
        assert str(print_.hash) == str(copy_.hash)
        assert np.array_equal(print_.area_means, copy_.area_means)
        assert np.array_equal(print_.detail, copy_.detail)
        assert (print_.texture, print_.mean_luma) == (copy_.texture, copy_.mean_luma)


@given(
    seeds=st.lists(st.integers(0, 5), max_size=20),
    size=st.sampled_from([(48, 32), (32, 48)]),
    method=st.sampled_from(["phash", "dhash", "average_hash", "whash", "none"]),
    hash_size=st.sampled_from([2, 8, 16]),
)
def test_a_result_comes_out_of_its_bytes_unchanged(
    seeds: list[int], size: tuple[int, int], method: HashMethodName, hash_size: int
) -> None:
    config = DedupeConfig(method=method, hash_size=hash_size, max_distance=2)
    frames = frames_of([texture(seed, *size) for seed in seeds], 5)
    result = shard_result(7, frames, config)
    data = result.to_bytes()
    assert_equal(ShardResult.from_bytes(data), result)
    assert ShardResult.from_bytes(data).to_bytes() == data


def test_a_hash_of_an_odd_size_stays_what_it_is() -> None:
    config = DedupeConfig(method="phash", hash_size=3, max_distance=1)
    result = shard_result(0, frames_of([texture(1, 48, 32)], 5), config)
    assert_equal(ShardResult.from_bytes(result.to_bytes()), result)


def test_a_detector_that_saw_no_box_has_no_best_score() -> None:
    result = shard_result(0, [], DedupeConfig())
    best = ShardResult.from_bytes(result.to_bytes()).counters.best_score
    assert best == 0.0
    no_box = ShardResult(0, FrameTable(), (), (), result.coverage, 0.0, ())
    assert ShardResult.from_bytes(no_box.to_bytes()).counters.best_score == -math.inf


@pytest.mark.parametrize("damage", ["empty", "cut", "text"])
def test_other_bytes_are_refused(damage: str) -> None:
    data = shard_result(0, frames_of([texture(1, 48, 32)], 5), DedupeConfig()).to_bytes()
    damaged = {"empty": b"", "cut": data[:100], "text": b'{"number": 1}'}[damage]
    with pytest.raises(ValueError, match="no result of a shard"):
        ShardResult.from_bytes(damaged)
