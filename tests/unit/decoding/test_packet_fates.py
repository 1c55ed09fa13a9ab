"""Which packets became frames, and which of the others are lost."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.evidence import GapEvidence
from pipeline.decoding.pyav.packet_fates import PacketFates

TICKS_PER_SECOND = 25.0
# Ticks of packets in the order of the file: each third frame is decoded before the two before it.
ORDER = [0, *(tick for start in range(0, 99, 3) for tick in (start + 3, start + 1, start + 2))]


def fates_of(
    order: list[int | None], lost: set[int], *, delay: int = 3, starts_anywhere: bool = False
) -> tuple[list[GapEvidence], int]:
    """Return what is known before each frame, and the number of packets lost at the end.

    Args:
        order: ticks of the packets, in the order of the file; None: they have no times.
        lost: numbers of packets that are damaged and give no frame. The others come in order of
            their ticks, or of the file.
        delay: number of packets that the decoder holds back.
        starts_anywhere: as in `PacketFates`.
    """
    fates = PacketFates(TICKS_PER_SECOND, starts_anywhere=starts_anywhere)
    held: list[tuple[int, int]] = []
    evidence = []
    for number, ticks in enumerate(order, start=1):
        fates.add(number, ticks)
        if number in lost:
            fates.damage(number)
        else:
            held = sorted([*held, (number if ticks is None else ticks, number)])
        if len(held) > delay:
            evidence.append(fates.frame(held.pop(0)[1]))
    evidence += [fates.frame(number) for _, number in held]
    return evidence, fates.end()


@given(st.sets(st.integers(2, len(ORDER))), st.booleans())
def test_each_packet_is_a_frame_or_lost(lost: set[int], has_times: bool) -> None:  # noqa: FBT001 - hypothesis
    order = [tick if has_times else None for tick in ORDER]
    evidence, at_end = fates_of(order, lost)
    counted = sum(each.lost - each.late for each in evidence) + at_end
    assert len(evidence) + counted == len(ORDER)


def test_a_packet_without_a_frame_is_no_loss_without_damage() -> None:
    fates = PacketFates(TICKS_PER_SECOND)
    for number in range(1, 100):
        fates.add(number, number)
        if number % 5:
            assert fates.frame(number) == GapEvidence()
    assert fates.end() == 0


def test_damage_shows_in_the_gap_where_it_is() -> None:
    evidence, _ = fates_of(list(range(60)), {30, 31, 32})
    (index,) = (index for index, each in enumerate(evidence) if each.lost)
    assert (index, evidence[index].lost) == (29, 3)
    assert all(not each.may_miss for each in [*islice(evidence, 20), *islice(evidence, 40, None)])


def test_a_second_field_without_a_time_is_no_frame_of_its_own() -> None:
    fates = PacketFates(TICKS_PER_SECOND)
    for number in range(1, 60):
        fates.add(number, number if number % 2 else None)
        fates.damage(number)
        if number % 2:
            assert fates.frame(number).lost == 0


@pytest.mark.parametrize(("starts_anywhere", "lost"), [(False, 4), (True, 0)])
def test_packets_before_the_first_frame(starts_anywhere: bool, lost: int) -> None:  # noqa: FBT001 - pytest
    evidence, _ = fates_of(list(range(20)), {1, 2, 3, 4}, starts_anywhere=starts_anywhere)
    assert (evidence[0].lost, evidence[0].lead_ms) == (lost, 40 * lost)


def test_a_complaint_counts_only_once_frames_come() -> None:
    fates = PacketFates(TICKS_PER_SECOND)
    for number in (1, 2, 3):
        fates.add(number, number)
        fates.complaint(number)
    assert fates.frame(3) == GapEvidence()
    fates.add(4, 4)
    fates.complaint(4)
    fates.add(5, 5)
    assert fates.frame(5) == GapEvidence(lost=1, may_miss=True, is_damaged=True)
    assert fates.is_damaged_at_end is False


def test_a_clock_that_was_set_back_leaves_no_packets_without_a_frame() -> None:
    fates = PacketFates(TICKS_PER_SECOND)
    order = [*range(1000, 1040), *range(40)]
    for number, ticks in enumerate(order, start=1):
        fates.add(number, ticks)
        fates.damage(number)
        if number > 8:
            assert fates.frame(number - 8).lost == 0
