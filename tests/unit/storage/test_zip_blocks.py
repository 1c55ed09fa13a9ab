"""ZIP archives in blocks: as `zipfile` reads them, always the same bytes, in little memory."""

from __future__ import annotations

import io
from zipfile import ZipFile

import pytest

from pipeline.storage import zip_blocks as module
from pipeline.storage.zip_blocks import zip_blocks

FILES = [("a/höhe 1.txt", b"x" * 1000), ("empty", b""), ("b.bin", bytes(range(256)) * 40)]


@pytest.mark.parametrize("block_bytes", [1, 500, 10**6])
def test_an_archive_in_blocks_is_a_zip_file(
    monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    blocks = list(zip_blocks(iter(FILES)))
    assert all(len(block) >= block_bytes for block in blocks[:-1])
    with ZipFile(io.BytesIO(b"".join(blocks))) as archive:
        assert archive.testzip() is None
        assert [(each.filename, archive.read(each)) for each in archive.infolist()] == FILES
        # Readers of streams need the sizes before the data.
        assert all(not each.flag_bits & 0x08 for each in archive.infolist())


def test_the_bytes_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"".join(zip_blocks(FILES))
    monkeypatch.setattr(module, "BLOCK_BYTES", 1)
    assert b"".join(zip_blocks(FILES)) == whole


def test_files_are_taken_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    taken = []

    def files() -> object:
        for number in range(10):
            taken.append(number)
            yield str(number), b"x" * 1000

    blocks = zip_blocks(files())  # type: ignore[arg-type]
    next(blocks)
    assert taken == [0]
