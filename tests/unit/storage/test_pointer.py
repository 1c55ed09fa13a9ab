"""The content of `latest.json`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BrokenError
from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import json_bytes

TEXT = st.text(min_size=1, max_size=20)


@given(st.builds(Pointer, TEXT, TEXT, st.none() | TEXT, st.none() | TEXT))
def test_a_pointer_is_read_as_it_was_written(pointer: Pointer) -> None:
    assert Pointer.parse(json_bytes(pointer.to_json()), "latest.json") == pointer


def test_a_pointer_of_a_file_has_no_source() -> None:
    assert Pointer("abc", "2026-01-02T03:04:05Z").to_json() == {
        "run_id": "abc",
        "manifest": "abc/manifest.json",
        "finished": "2026-01-02T03:04:05Z",
        "sequencer": None,
    }


def test_a_pointer_of_an_object_has_its_bucket_and_its_sequencer() -> None:
    content = Pointer("abc", "2026", "videos", "0A").to_json()
    assert content["source"] == {"bucket": "videos"}
    assert content["sequencer"] == "0A"


def test_a_pointer_of_an_earlier_version_has_neither() -> None:
    earlier = b'{"run_id": "abc", "manifest": "abc/manifest.json", "finished": "2026"}'
    assert Pointer.parse(earlier, "latest.json") == Pointer("abc", "2026")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[]", b"null", b"\xff",
        b'{"run_id": 1, "finished": "2026"}',
        b'{"run_id": "abc", "finished": "2026", "source": "videos"}',
        b'{"run_id": "abc", "finished": "2026", "source": {"bucket": 1}}',
        b'{"run_id": "abc", "finished": "2026", "sequencer": 1}',
    ],
)  # fmt: skip
def test_any_other_content_is_broken(content: bytes) -> None:
    with pytest.raises(BrokenError, match=r"^s3://b/k/latest\.json is not as pretag writes it"):
        Pointer.parse(content, "s3://b/k/latest.json")
