"""A frame table holds exactly the records that it was given, in little memory."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dataset import frame_table
from pipeline.dataset.frame_table import FrameTable
from pipeline.frame import NO_DETECTIONS, Detections, DuplicateMatch, FrameRecord

LARGE = 2**40
MATCH = DuplicateMatch(3, 5, "same_colours_across_segments")


def found(count: int, seed: int) -> Detections:
    rng = np.random.default_rng(seed)
    boxes, scores = rng.random((count, 4), np.float32), rng.random(count, np.float32)
    return Detections(boxes, scores, rng.integers(0, 80, count))


def record(index: int, kind: int) -> FrameRecord:
    """Return a record that is dropped if `kind` is negative, or has as many objects."""
    is_kept = kind >= 0
    return FrameRecord(
        index=LARGE + index,
        pts_ms=index * 1001 / 30,
        segment=index // 4,
        width=640,
        height=480 + index,
        hash=None if index % 3 == 2 else f"{index:04x}",
        duplicate=None if is_kept else DuplicateMatch(LARGE + index - 1, -kind, "fade"),
        detections=found(kind, index) if is_kept else NO_DETECTIONS,
    )


def texts(records: FrameTable | list[FrameRecord]) -> list[str]:
    """Return the records as texts, as arrays have no `==` that gives one answer."""
    return [repr(each) for each in records]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_table, "_RECORDS_A_BLOCK", 3)


KINDS = st.lists(st.integers(-2, 3), max_size=12)


@given(kinds=KINDS, more=KINDS)
def test_records_come_out_as_they_went_in(kinds: list[int], more: list[int]) -> None:
    first = [record(index, kind) for index, kind in enumerate(kinds)]
    then = [record(index, kind) for index, kind in enumerate(more, start=len(kinds))]
    table = FrameTable.of(first)
    table.extend(FrameTable.of(then))
    records = [*first, *then]
    kept = [each for each in records if each.is_kept]
    assert len(table) == len(records)
    assert texts(table) == texts(records)
    assert texts(list(table.kept())) == texts(kept)
    assert texts(FrameTable.of_columns(table.columns())) == texts(records)
    assert table.last_ms == (records[-1].pts_ms if records else 0.0)
    assert table.objects_by_frame().tolist() == [len(each.detections) for each in kept]
    every = Detections.concat([NO_DETECTIONS, *(each.detections for each in records)])
    assert repr(table.objects()) == repr(every)


@given(kinds=KINDS, chosen=st.sets(st.integers(0, 11)))
def test_dropped_frames_have_a_match_and_no_objects(kinds: list[int], chosen: set[int]) -> None:
    records = [record(index, kind) for index, kind in enumerate(kinds)]
    expected = [
        replace(each, duplicate=MATCH, detections=NO_DETECTIONS)
        if each.is_kept and number in chosen
        else each
        for number, each in enumerate(records)
    ]
    matches = {records[each].index: MATCH for each in chosen if kinds[each : each + 1] >= [0]}
    table = FrameTable.of(records)
    assert texts(table.with_dropped(matches)) == texts(expected)
    assert texts(table) == texts(records)


def test_class_ids_change_for_all_objects_and_not_in_the_table_before() -> None:
    table = FrameTable.of(record(index, 2) for index in range(5))
    before = table.objects().class_ids
    changed = table.with_class_ids(np.arange(80)[::-1])
    assert changed.objects().class_ids.tolist() == (79 - before).tolist()
    assert table.objects().class_ids.tolist() == before.tolist()


@pytest.mark.parametrize("name", ["pts_ms", "scores", "objects"])
def test_columns_of_different_lengths_are_refused(name: str) -> None:
    columns = FrameTable.of(record(index, 2) for index in range(5)).columns()
    with pytest.raises(ValueError, match="different lengths"):
        FrameTable.of_columns({**columns, name: columns[name][1:]})


def test_a_frame_takes_a_hundred_bytes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    tracemalloc.start()
    table = FrameTable.of(
        FrameRecord(index, 40.0 * index, 0, 640, 480, f"{index:016x}", MATCH)
        for index in range(10_000)
    )
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table) == 10_000
    # The last records, up to 1,023, are not in columns.
    assert used <= 100 * 10_000 + 1023 * 500
