"""Images of shards: written into archives, and read from them in few requests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pipeline.runlog import RunLog
from pipeline.sharding import images as module
from pipeline.sharding.images import ShardArchiveError, new_archive, read_images, written_images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.archive_writer import ArchiveForm, WriteBlock
    from pipeline.storage.source import ByteRange
    from pipeline.storage.written_file import WrittenFile


class Memory:
    """Archives of shards in memory."""

    def __init__(self) -> None:
        self.archives: dict[str, bytearray] = {}
        self.requests: list[str] = []

    def put_image(self, path: str, data: bytes) -> None:
        """Fail: these images belong into an archive."""
        raise AssertionError(path, data)

    @contextmanager
    def archive_writer(self, name: str) -> Iterator[WriteBlock]:
        """Yield what appends a block."""
        self.archives[name] = bytearray()
        yield self.archives[name].extend

    def read_archive(self, name: str, part: ByteRange) -> bytes | None:
        """Return a part; None if the archive is gone."""
        self.requests.append(name)
        if name not in self.archives:
            return None
        return bytes(self.archives[name][part.start : part.start + part.size])

    def remove(self, paths: object) -> None:
        """Do nothing."""


def image(number: int) -> bytes:
    return bytes([number]) * 1000


def two_shards(memory: Memory, form: ArchiveForm) -> dict[str, list[WrittenFile]]:
    """Write ten images each into two archives; return their members."""
    members = {}
    for shard in range(2):
        name = new_archive(shard, form)
        with written_images(memory, name, form, RunLog()) as (put, written):
            for number in range(10 * shard, 10 * shard + 10):
                put(f"{number}.jpg", image(number))
        members[name] = written
    return members


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize(("range_bytes", "requests"), [(10**6, 2), (1, 14), (4500, 6)])
def test_kept_images_are_read_in_order_by_few_requests(
    monkeypatch: pytest.MonkeyPatch, form: ArchiveForm, range_bytes: int, requests: int
) -> None:
    monkeypatch.setattr(module, "_RANGE_BYTES", range_bytes)
    memory = Memory()
    kept = {
        name: [each for each in members if each.path not in {"0.jpg", "4.jpg", "9.jpg"}]
        for name, members in two_shards(memory, form).items()
    }
    kept = {name: members[:7] for name, members in kept.items()}
    numbers = [1, 2, 3, 5, 6, 7, 8, *range(10, 17)]
    assert list(read_images(memory, kept)) == [(f"{n}.jpg", image(n)) for n in numbers]
    assert len(memory.requests) <= requests


def test_a_shard_without_kept_images_is_not_read() -> None:
    memory = Memory()
    members = two_shards(memory, "zip")
    assert list(read_images(memory, dict.fromkeys(members, ()))) == []
    assert memory.requests == []


def test_an_archive_that_was_changed_is_found_out() -> None:
    memory = Memory()
    members = two_shards(memory, "zip")
    name, (first, *_) = next(iter(members.items()))
    memory.archives[name][first.offset or 0] ^= 1
    with pytest.raises(ShardArchiveError, match=r"of shard 0 was changed: 0\.jpg") as raised:
        list(read_images(memory, members))
    assert raised.value.shard == 0


def test_an_archive_that_is_gone_is_told_by_its_shard() -> None:
    memory = Memory()
    members = two_shards(memory, "tar")
    del memory.archives[list(members)[1]]
    with pytest.raises(ShardArchiveError, match="of shard 1 is gone") as raised:
        list(read_images(memory, members))
    assert raised.value.shard == 1


def test_the_archive_of_a_shard_is_not_counted_as_a_file_of_the_result() -> None:
    log = RunLog()
    with written_images(Memory(), "a", "tar", log) as (put, _):
        put("0.jpg", image(0))
    write = log.stage("write")
    assert (write.items_in, write.items_out) == (0, 0)
    assert write.seconds > 0
