"""Decisions: their form, for whom they hold, and what a replacement remembers."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.resources.capacity import Capacity
from pipeline.storage.s3.decision import Decision, ReplacedRejection

SMALL, LARGE = Capacity(1024, 900), Capacity(4096, 900)


def rejection(capacity: Capacity, folder: str = "out/a/1") -> Decision:
    content = {"reason": "crashed", "capacity": capacity.to_json()}
    return Decision("rejected", folder, attempt="a", rejection=content)


numbers = st.integers(0, 10**6)
decisions = st.builds(
    Decision,
    ending=st.sampled_from(["done", "rejected", "superseded"]),
    folder=st.text(),
    attempt=st.text(),
    rejection=st.none() | st.dictionaries(st.text(), st.text()),
    replaced=st.lists(
        st.builds(ReplacedRejection, st.text(), st.builds(Capacity, numbers, numbers))
    ).map(tuple),
)


@given(decisions)
def test_a_stored_decision_is_the_same(decision: Decision) -> None:
    assert Decision.from_json(decision.data()) == decision


def test_a_rejection_for_capacity_holds_for_functions_that_are_not_larger() -> None:
    assert rejection(SMALL).holds_for(SMALL)
    assert rejection(SMALL).holds_for(Capacity(512, 60))
    assert not rejection(SMALL).holds_for(LARGE)
    assert not rejection(SMALL).holds_for(Capacity(512, 901))


def test_any_other_decision_holds_for_all_functions() -> None:
    assert Decision("done", "out/a/1", "a").holds_for(LARGE)
    assert Decision("rejected", "out/a/1", "a", {"reason": "empty"}).holds_for(LARGE)


def test_a_replacement_remembers_all_rejections_that_it_replaces() -> None:
    first, second = rejection(SMALL, "out/a/1"), rejection(LARGE, "out/a/2")
    replacement = Decision("done", "out/a/3", "c").replacing(second.replacing(first))
    assert replacement.replaced == (
        ReplacedRejection("out/a/1", SMALL),
        ReplacedRejection("out/a/2", LARGE),
    )


def test_the_replacement_of_a_deleted_result_replaces_no_rejection() -> None:
    done = Decision("done", "out/a/1", "a")
    assert Decision("done", "out/a/1", "b").replacing(done).replaced == ()
