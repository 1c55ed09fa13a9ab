"""The merge of shards keeps and drops what one process keeps and drops."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.schema import DedupeConfig
from pipeline.dataset.dataset import Dataset
from pipeline.decoding.key_frame import KeyFrame, ShardMismatchError, VideoFacts
from pipeline.frame import Display, Frame, Image, Track
from pipeline.runlog import RunLog
from pipeline.sharding.merge import ShardMerge
from pipeline.sharding.plan import Plan, Shard
from pipeline.sharding.shard_result import ShardResult
from tests.support.clips import texture
from tests.support.records import frames_of, in_one_process, shard_result


def with_spot(left: int) -> Image:
    """Return the first texture with a spot, which changes no bit of the hash."""
    image = texture(0, 48, 32).copy()
    image[20:22, left : left + 2] = 255
    return image


IMAGES = [*(texture(seed, 48, 32) for seed in range(4)), with_spot(6), with_spot(20)]
FACTS = VideoFacts(300, Fraction(0), 12.5, 100.0, Display(48, 32), "1:1", Track(), 48, 32, 30.0)


def plan(shards: int) -> Plan:
    later = (Shard(number, number, KeyFrame(number, Fraction(1), 0)) for number in range(1, shards))
    return Plan(FACTS, (Shard(0, 0, None), *later))


def merged(
    results: list[ShardResult], config: DedupeConfig, shards: int | None = None
) -> tuple[Dataset, ShardMerge, RunLog]:
    dataset, log = Dataset("clip", None, ("a",) * 80, None), RunLog()
    merge = ShardMerge(plan(shards or len(results)), config, dataset, log)
    for result in results:
        merge.add(ShardResult.from_bytes(result.to_bytes()))
    merge.finish()
    return dataset, merge, log


def split(frames: list[Frame], shards: list[int]) -> list[list[Frame]]:
    """Divide frames into shards that begin with these segments."""
    bounds = [*shards, frames[-1].segment + 1]
    return [
        [frame for frame in frames if begin <= frame.segment < end]
        for begin, end in pairwise(bounds)
    ]


@settings(max_examples=40)
@given(
    seeds=st.lists(st.integers(0, len(IMAGES) - 1), min_size=1, max_size=40),
    frames_a_segment=st.integers(1, 7),
    starts=st.sets(st.integers(1, 12), max_size=5),
    method=st.sampled_from(["phash", "none"]),
    max_distance=st.sampled_from([0, 4, 20]),
    compare_with=st.none() | st.integers(1, 3),
    keeps=st.sampled_from([{}, {"keep_small_changes": False}]),
)
def test_shards_of_any_size_give_what_one_process_gives(  # noqa: PLR0913, PLR0917
    seeds: list[int], frames_a_segment: int, starts: set[int], method: str, max_distance: int,
    compare_with: int | None, keeps: dict[str, bool],
) -> None:  # fmt: skip
    config = DedupeConfig.model_validate({
        "method": method, "max_distance": max_distance, "compare_with": compare_with, **keeps,
    })  # fmt: skip
    frames = frames_of([IMAGES[seed] for seed in seeds], frames_a_segment)
    expected = in_one_process(frames, config)
    results = [
        shard_result(number, part, config)
        for number, part in enumerate(split(frames, [0, *sorted(starts)]))
    ]
    dataset, merge, log = merged(results, config)
    assert list(map(repr, dataset.frames)) == list(map(repr, expected))
    kept = [record for record in expected if record.is_kept]
    assert [image.path for image in merge.images] == [record.image_path for record in kept]
    written = {image.path for result in results for image in result.images}
    assert set(merge.dropped_images) == written - {record.image_path for record in kept}
    thumbnails = dataset.contact_sheet.chosen(len(frames))
    assert [each.index for each in thumbnails] == [record.index for record in kept]
    counts = log.counts()
    assert counts["frames_sampled"] == len(frames)
    assert counts["frames_kept"] == len(kept)
    assert counts["detections"] == sum(len(record.detections) for record in kept)
    assert log.stage("encode").items_out == log.stage("write").items_in == len(kept)
    assert log.stage("write").items_out == sum(image.size_bytes for image in merge.images)


def test_a_small_change_is_kept_across_shards_and_dropped_where_it_was() -> None:
    config = DedupeConfig()
    frames = frames_of([IMAGES[number] for number in (0, 4, 0, 5, 4, 5)], 2)
    results = [shard_result(number, frames[2 * number :][:2], config) for number in range(3)]
    dataset, _, _ = merged(results, config)
    kept = {frame.index for frame in dataset.frames.kept()}
    assert kept == {frames[number].index for number in (0, 1, 3)}


def test_what_is_known_of_the_video_comes_from_the_plan() -> None:
    frames = frames_of(IMAGES, 3)
    config = DedupeConfig()
    results = [shard_result(0, frames[:3], config), shard_result(1, frames[3:], config)]
    dataset, _, log = merged(results, config)
    assert (dataset.start_ms, dataset.display, dataset.track) == (12.5, FACTS.display, Track())
    assert dataset.coverage.decoded == log.coverage.decoded == 18
    assert dataset.coverage.skipped == log.coverage.skipped == 12
    assert log.warnings == ("Key frames are up to 3.0 s apart.",)
    assert log.video_seconds == 5.0
    assert log.stage("detect").seconds == 4.0


@pytest.mark.parametrize("numbers", [[1], [0], [0, 0], [0, 2]])
def test_missing_and_doubled_results_are_found_out(numbers: list[int]) -> None:
    frames = frames_of(IMAGES, 3)
    results = [shard_result(number, frames, DedupeConfig()) for number in numbers]
    with pytest.raises(ShardMismatchError, match="missing"):
        merged(results, DedupeConfig(), shards=2)


def test_a_video_without_samples_is_for_one_process_to_reject() -> None:
    with pytest.raises(ShardMismatchError, match="No frame"):
        merged([shard_result(0, [], DedupeConfig())], DedupeConfig())
