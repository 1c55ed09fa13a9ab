"""`latest.json` in S3: no order of writers and no fault moves it back."""

import io
from collections.abc import Callable
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import BrokenError
from pipeline.resources.deadline import Deadline
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import json_bytes
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.latest import advance, promote
from pipeline.storage.s3.retries import TRIES, Retries

PREFIX = "datasets/a/clip.mp4"
KEY = "datasets/a/clip.mp4/latest.json"
Step = Literal["ok", "lost", "conflict", "other"]
"""What happens to a write: it succeeds, it succeeds but its answer is lost, S3 answers 409, or the
next writer does all its work before it."""


class MemoryS3:
    """The two requests that move `latest.json`, with S3's conditions and with faults."""

    def __init__(self, steps: list[Step] | None = None) -> None:
        self.data: bytes | None = None
        self.versions: list[Pointer] = []
        self.steps = list(steps or [])
        self.other_writer: Callable[[], None] = lambda: None
        client: Any = self
        retries = Retries(Deadline.never(), sleep=lambda _seconds: None)
        self.bucket = Bucket(client, "results", None, retries)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - names of boto3
        assert (Bucket, Key) == ("results", KEY)
        if self.data is None:
            raise answer(404, "NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.data), "ETag": self.etag()}

    def put_object(self, *, Body: bytes, **arguments: str) -> None:  # noqa: N803
        step = self.steps.pop() if self.steps else "ok"
        if step == "conflict":
            raise answer(409, "ConditionalRequestConflict", "PutObject")
        if step == "other":
            self.other_writer()
        if self.data is None and "IfMatch" in arguments:
            raise answer(404, "NoSuchKey", "PutObject")
        if "IfMatch" in arguments and arguments["IfMatch"] != self.etag():
            raise answer(412, "PreconditionFailed", "PutObject")
        if "IfNoneMatch" in arguments and self.data is not None:
            raise answer(412, "PreconditionFailed", "PutObject")
        self.data = Body
        self.versions.append(self.pointer())
        if step == "lost":
            raise ConnectionResetError

    def etag(self) -> str:
        return f'"{len(self.versions)}"'

    def pointer(self) -> Pointer:
        assert self.data is not None
        return Pointer.parse(self.data, KEY)


def answer(status: int, code: str, operation: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)


def pointer_of(sequencer: str | None, bucket: str = "videos") -> Pointer:
    return Pointer(f"run {sequencer}", "2026-01-02T03:04:05Z", bucket, sequencer)


def number(sequencer: str | None) -> int:
    """Return a number that orders sequencers of at most 8 digits."""
    return -1 if sequencer is None else int(f"{sequencer:0<8}", 16)


SEQUENCERS = st.lists(
    st.text("0123456789ABCDEF", min_size=1, max_size=8), min_size=1, max_size=8, unique_by=number
)
STEPS = st.lists(st.sampled_from(["ok", "lost", "conflict", "other"]), max_size=TRIES - 1)


@given(SEQUENCERS, STEPS)
@example(["01", "02"], ["other"])
@example(["02", "01"], ["other"])
@example(["01", "02"], ["lost", "lost"])
def test_any_order_of_writers_ends_at_the_latest_upload(
    sequencers: list[str], steps: list[Step]
) -> None:
    s3 = MemoryS3(steps)
    waiting = list(sequencers)

    def next_writer() -> None:
        if waiting:
            pointer = pointer_of(waiting.pop(0))
            if advance(s3.bucket, PREFIX, pointer):
                assert pointer in s3.versions

    s3.other_writer = next_writer
    while waiting:
        next_writer()
    assert s3.pointer() == pointer_of(max(sequencers, key=number))
    order = [number(pointer.sequencer) for pointer in s3.versions]
    assert order == sorted(set(order))


@given(SEQUENCERS, SEQUENCERS, STEPS)
def test_after_a_promotion_only_newer_uploads_move_the_pointer(
    before: list[str], after: list[str], steps: list[Step]
) -> None:
    s3 = MemoryS3(steps)
    for sequencer in before:
        advance(s3.bucket, PREFIX, pointer_of(sequencer))
    promote(s3.bucket, PREFIX, "promoted", "2025")
    seen = max(before, key=number)
    assert s3.pointer() == Pointer("promoted", "2025", "videos", seen)
    for sequencer in after:
        advance(s3.bucket, PREFIX, pointer_of(sequencer))
    newest = max(after, key=number)
    if number(newest) > number(seen):
        assert s3.pointer() == pointer_of(newest)
    else:
        assert s3.pointer().run_id == "promoted"


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6"),
        ("0055AED6DCD90281E5", "0055AED6DD"),
        ("0055AED6DC", "0055AED6DCD90281E5"),
        ("0055aed6dcd90281e5", "0055AED6DCD90281E6"),
    ],
)
def test_sequencers_are_compared_as_s3_documents_it(earlier: str, later: str) -> None:
    for order in ([earlier, later], [later, earlier]):
        s3 = MemoryS3()
        for sequencer in order:
            advance(s3.bucket, PREFIX, pointer_of(sequencer))
        assert s3.pointer().sequencer == later


def test_the_same_upload_again_writes_nothing() -> None:
    s3 = MemoryS3()
    for sequencer in ("0A", "0A", "0A00", "0a"):
        advance(s3.bucket, PREFIX, pointer_of(sequencer))
    assert len(s3.versions) == 1


def test_another_source_bucket_does_not_move_the_pointer() -> None:
    s3 = MemoryS3()
    assert advance(s3.bucket, PREFIX, pointer_of("01"))
    assert not advance(s3.bucket, PREFIX, pointer_of("02", bucket="others"))
    assert not advance(s3.bucket, PREFIX, pointer_of(None, bucket="others"))
    assert s3.pointer() == pointer_of("01")


def test_the_current_version_without_a_sequencer_moves_the_pointer_but_not_the_order() -> None:
    s3 = MemoryS3()
    assert advance(s3.bucket, PREFIX, pointer_of("02"))
    assert advance(s3.bucket, PREFIX, pointer_of(None))
    assert s3.pointer() == Pointer("run None", "2026-01-02T03:04:05Z", "videos", "02")
    assert not advance(s3.bucket, PREFIX, pointer_of("01"))
    assert advance(s3.bucket, PREFIX, pointer_of("03"))


def test_a_pointer_without_a_sequencer_is_replaced_by_any_of_its_source() -> None:
    s3 = MemoryS3()
    for sequencer in (None, "01"):
        assert advance(s3.bucket, PREFIX, pointer_of(sequencer))
    assert s3.pointer() == pointer_of("01")


def test_a_pointer_of_an_earlier_version_of_pretag_is_replaced() -> None:
    s3 = MemoryS3()
    s3.data = b'{"run_id": "old", "manifest": "old/manifest.json", "finished": "2025"}'
    assert advance(s3.bucket, PREFIX, pointer_of("01"))
    assert s3.pointer() == pointer_of("01")


def test_a_first_promotion_creates_the_pointer() -> None:
    s3 = MemoryS3()
    promote(s3.bucket, PREFIX, "abc", "2026")
    assert s3.data == json_bytes(Pointer("abc", "2026").to_json())


def test_a_promotion_of_what_is_promoted_writes_nothing() -> None:
    s3 = MemoryS3(["lost"])
    for _ in range(2):
        promote(s3.bucket, PREFIX, "abc", "2026")
    assert len(s3.versions) == 1


def test_a_promotion_meets_an_upload_and_both_are_kept() -> None:
    s3 = MemoryS3()
    advance(s3.bucket, PREFIX, pointer_of("01"))
    s3.steps = ["other"]
    s3.other_writer = lambda: assert_true(advance(s3.bucket, PREFIX, pointer_of("02")))
    promote(s3.bucket, PREFIX, "abc", "2025")
    assert s3.pointer() == Pointer("abc", "2025", "videos", "02")


def test_a_damaged_pointer_is_broken() -> None:
    s3 = MemoryS3()
    s3.data = b"{"
    with pytest.raises(BrokenError, match=r"^s3://results/.*/latest\.json is not"):
        advance(s3.bucket, PREFIX, pointer_of("01"))
    assert s3.versions == []


def assert_true(value: object) -> None:
    assert value
