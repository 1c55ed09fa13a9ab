"""Archives in blocks: as other readers see them, always the same bytes, in little memory."""

from __future__ import annotations

import gc
import io
import tarfile
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from pipeline.storage import archive_writer as module
from pipeline.storage.archive_writer import ArchiveWriter, write_archive

if TYPE_CHECKING:
    from pipeline.storage.archive_writer import ArchiveForm

FILES = [("a/höhe 1.txt", b"x" * 1000), ("empty", b""), ("b.bin", bytes(range(256)) * 40)]
FORMS = pytest.mark.parametrize("form", ["zip", "tar"])


def blocks_of(form: ArchiveForm, block_bytes: int = module.BLOCK_BYTES) -> list[bytes]:
    """Return the blocks of an archive of the files."""
    blocks: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", block_bytes)
        write_archive(form, iter(FILES), blocks.append)
    return blocks


@pytest.mark.parametrize("block_bytes", [1, 500, 10**6])
def test_an_archive_in_blocks_is_a_zip_file(block_bytes: int) -> None:
    blocks = blocks_of("zip", block_bytes)
    assert all(len(block) >= block_bytes for block in blocks[:-1])
    with ZipFile(io.BytesIO(b"".join(blocks))) as archive:
        assert archive.testzip() is None
        assert [(each.filename, archive.read(each)) for each in archive.infolist()] == FILES
        # Readers of streams need the sizes before the data.
        assert all(not each.flag_bits & 0x08 for each in archive.infolist())


@pytest.mark.parametrize("block_bytes", [1, 500, 10**6])
def test_an_archive_in_blocks_is_a_tar_file(block_bytes: int) -> None:
    blocks = blocks_of("tar", block_bytes)
    assert all(len(block) >= block_bytes for block in blocks[:-1])
    with tarfile.open(fileobj=io.BytesIO(b"".join(blocks)), mode="r:", encoding="utf-8") as archive:
        found = [(each.name, archive.extractfile(each)) for each in archive.getmembers()]
        assert [(name, file.read()) for name, file in found if file is not None] == FILES
        assert {(each.mtime, each.uid, each.uname) for each in archive.getmembers()} == {(0, 0, "")}


@FORMS
def test_a_member_is_at_the_offset_that_is_returned(form: ArchiveForm) -> None:
    blocks: list[bytes] = []
    archive = ArchiveWriter(form, blocks.append)
    offsets = [archive.add(path, data) for path, data in FILES]
    archive.close()
    whole = b"".join(blocks)
    for offset, (_, data) in zip(offsets, FILES, strict=True):
        assert whole[offset : offset + len(data)] == data


@FORMS
def test_the_bytes_do_not_depend_on_the_blocks(form: ArchiveForm) -> None:
    assert b"".join(blocks_of(form)) == b"".join(blocks_of(form, 1))


@FORMS
def test_a_block_is_written_as_soon_as_it_is_full(
    form: ArchiveForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    blocks: list[bytes] = []
    archive = ArchiveWriter(form, blocks.append)
    for number in range(3):
        archive.add(str(number), b"x" * 1000)
        assert len(blocks) == number + 1


def test_a_zip_file_may_have_more_files_than_16_bits_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zipfile.ZIP_FILECOUNT_LIMIT", 2)
    blocks = blocks_of("zip")
    with ZipFile(io.BytesIO(b"".join(blocks))) as archive:
        assert len(archive.namelist()) == 3
    assert b"PK\x06\x06" in blocks[-1]  # the end of a central directory with 64 bits


@FORMS
def test_an_archive_that_an_error_left_open_says_nothing(form: ArchiveForm) -> None:
    """A warning of its end would fail the test."""
    archive = ArchiveWriter(form, bytes)
    archive.add("a", b"x")
    del archive
    gc.collect()
