"""The run log: counts, times and peak memory."""

import pickle
from collections import Counter

import pytest

from pipeline.runlog import RunLog, StageLog


def test_a_finished_log_no_longer_changes() -> None:
    log = RunLog()
    with log.measure("detect") as detect:
        detect.items_out += 3
    finished = log.finished()
    with log.measure("detect") as detect:
        detect.items_out += 1
    log.detections_by_class["person"] += 1
    assert (finished.stage("detect").items_in, finished.stage("detect").items_out) == (1, 3)
    assert finished.detections_by_class == Counter()
    assert finished.total_seconds > 0
    assert finished.peak_memory_megabytes > 10


def test_an_item_that_fails_is_timed_but_not_counted() -> None:
    log = RunLog()
    with pytest.raises(ZeroDivisionError), log.measure("detect"):
        _ = 1 // 0
    assert log.stage("detect").items_in == 0
    assert log.stage("detect").seconds > 0


def test_the_real_time_factor_is_seconds_of_work_for_each_second_of_video() -> None:
    assert RunLog(video_seconds=10, total_seconds=2).real_time_factor == 0.2
    assert RunLog(total_seconds=2).real_time_factor == 0


def test_the_rate_of_a_stage_without_measured_time_is_zero() -> None:
    assert StageLog("decode", items_in=50, seconds=2).items_per_second == 25
    assert StageLog("decode").items_per_second == 0


def test_the_largest_decoder_counts_to_the_peak_memory() -> None:
    log = RunLog()
    alone = log.finished().peak_memory_megabytes
    log.add_decoder(5000)
    log.add_decoder(200)
    assert 5000 <= log.finished().peak_memory_megabytes - alone < 5100


def test_a_log_that_another_process_sent_is_the_same_and_can_be_added_to() -> None:
    log = RunLog(warnings=("Look.",))
    log.add(StageLog("decode", items_in=3))
    sent: RunLog = pickle.loads(pickle.dumps(log))  # noqa: S301 - of this test
    assert (sent.counts(), sent.warnings) == (log.counts(), ("Look.",))
    sent.add(StageLog("decode", items_in=2))
    assert sent.counts()["frames_decoded"] == 5
