"""The check of a result: each kind of fault is found, and nothing else is called a fault."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputFileError, RejectedError
from pipeline.runlog import RunLog
from pipeline.storage import verification
from pipeline.storage.listed_files import ListedFiles
from pipeline.storage.local import FolderStore, LocalVideo
from pipeline.storage.publisher import Publisher
from pipeline.storage.result_folder import ResultFolder
from pipeline.storage.source import ByteRange
from pipeline.storage.verification import Verification, read_manifest, verify

IMAGE, OTHER = "images/default/frame_000001.jpg", "images/default/frame_000002.jpg"
SAYS = "manifest.json says"


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def result(tmp_path: Path, video: LocalVideo) -> Path:
    """Return the folder of a result with two files."""
    store = FolderStore(tmp_path, video.name, "abc")
    with Publisher(store, "abc", video, RunLog()) as publisher:
        publisher.begin()
        publisher.put(IMAGE, b"jpeg")
        publisher.put_text("frames.csv", "frame_index\n")
        published = publisher.finish({"frames_kept": 1})
    return Path(published.location)


@pytest.fixture
def rejected(tmp_path: Path, video: LocalVideo) -> Path:
    """Return the folder of a rejected video."""
    store = FolderStore(tmp_path, video.name, "def")
    with Publisher(store, "def", video, RunLog()) as publisher:
        publisher.begin()
        published = publisher.reject(RejectedError("empty", "It is empty."), capacity=None)
    return Path(published.location)


def test_a_complete_result_has_no_fault(result: Path) -> None:
    assert verify(ResultFolder(result)) == Verification("done", None, 2, ())


def test_a_complete_rejection_has_no_fault(rejected: Path) -> None:
    assert verify(ResultFolder(rejected)) == Verification("rejected", "empty", 0, ())


def test_a_result_without_files_has_no_fault(tmp_path: Path, video: LocalVideo) -> None:
    store = FolderStore(tmp_path, video.name, "abc")
    with Publisher(store, "abc", video, RunLog()) as publisher:
        publisher.begin()
        published = publisher.finish({})
    assert verify(ResultFolder(Path(published.location))) == Verification("done", None, 0, ())


def test_a_folder_with_neither_ending_is_not_a_result(tmp_path: Path) -> None:
    (tmp_path / "frames.csv").touch()
    found = verify(ResultFolder(tmp_path))
    assert found.ending is None
    assert found.faults == (
        "It has neither manifest.json nor rejection.json, so it is not a result.",
    )


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda run: (run / "frames.csv").unlink(), "frames.csv is missing."),
        (lambda run: (run / IMAGE).write_bytes(b"j"), f"{IMAGE} has 1 bytes; {SAYS} 4."),
        (lambda run: (run / IMAGE).write_bytes(b""), f"{IMAGE} has 0 bytes; {SAYS} 4."),
        (
            lambda run: (run / IMAGE).write_bytes(b"jpeG"),
            f"{IMAGE} has the sha256 {sha256_of(b'jpeG')}; {SAYS} {sha256_of(b'jpeg')}.",
        ),
        (lambda run: (run / "a.txt").touch(), "a.txt is not in manifest.json."),
        (
            lambda run: (run / "images" / "manifest.json").touch(),
            "images/manifest.json is not in manifest.json.",
        ),
        (
            lambda run: (run / "rejection.json").write_text("{}"),
            "rejection.json is there beside manifest.json; a result has one of them.",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_a_file_is_found(
    result: Path, damage: Callable[[Path], object], fault: str
) -> None:
    damage(result)
    assert verify(ResultFolder(result)).faults == (fault,)


@pytest.mark.parametrize(
    ("edit", "faults"),
    [
        (lambda manifest: manifest.pop("run_id"), ["run_id: Field required"]),
        (lambda manifest: manifest.pop("finished"), ["finished: Field required"]),
        (lambda manifest: manifest.pop("counts"), ["counts: Field required"]),
        (lambda manifest: manifest["source"].pop("uri"), ["source.uri: Field required"]),
        (
            lambda manifest: manifest["files"][0].clear(),
            [f"files.0.{key}: Field required" for key in ("path", "bytes", "sha256")],
        ),
        (
            lambda manifest: manifest["files"][1].update(bytes=-1),
            ["files.1.bytes: Input should be greater than or equal to 0"],
        ),
        (
            lambda manifest: manifest["files"][1].update(bytes="4"),
            ["files.1.bytes: Input should be a valid integer"],
        ),
        (
            lambda manifest: manifest["files"][1].update(sha256="0" * 63),
            [r"files.1.sha256: String should match pattern '\A[0-9a-f]{64}\z'"],
        ),
    ],
)
def test_a_wrong_key_of_the_manifest_is_a_fault(
    result: Path, edit: Callable[[dict[str, Any]], object], faults: list[str]
) -> None:
    edit_manifest(result, edit)
    expected = tuple(f"manifest.json is wrong: {fault}." for fault in faults)
    assert verify(ResultFolder(result)).faults == expected


@pytest.mark.parametrize("content", [b"", b"{", b'{"run_id": "\xff"}', b"[]", b"null"])
def test_a_manifest_that_is_no_json_object_is_a_fault(result: Path, content: bytes) -> None:
    (result / "manifest.json").write_bytes(content)
    (fault,) = verify(ResultFolder(result)).faults
    assert fault.startswith("manifest.json is wrong: ")


def test_a_manifest_may_have_keys_of_later_versions(result: Path) -> None:
    edit_manifest(result, lambda manifest: manifest.update(attempt="1"))
    assert verify(ResultFolder(result)).faults == ()


def test_a_file_that_is_listed_twice_is_a_fault(result: Path) -> None:
    edit_manifest(result, lambda manifest: manifest["files"].append(manifest["files"][0]))
    assert verify(ResultFolder(result)).faults == ("manifest.json lists frames.csv 2 times.",)


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "images/../frames.csv", "pipe"])
def test_only_files_of_the_folder_are_read(result: Path, path: str) -> None:
    (result.parent / "secret.txt").write_text("secret")
    os.mkfifo(result / "pipe")  # reading it would wait for ever
    edit_manifest(result, lambda manifest: manifest["files"][0].update(path=path))
    assert f"{path} is missing." in verify(ResultFolder(result)).faults


def test_a_manifest_that_is_too_large_is_not_read(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_MAX_MANIFEST_BYTES", 2**20)
    with (result / "manifest.json").open("r+b") as file:
        file.truncate(2**20 + 1)
    assert verify(ResultFolder(result)).faults == (
        "manifest.json is wrong: it is larger than 1 MB.",
    )


def test_all_faults_are_found_at_once(result: Path) -> None:
    (result / "frames.csv").unlink()
    (result / IMAGE).write_bytes(b"")
    (result / "a.txt").touch()
    (result / "rejection.json").touch()
    assert len(verify(ResultFolder(result)).faults) == 4


def test_a_file_beside_a_rejection_is_a_fault(rejected: Path) -> None:
    (rejected / "frame.jpg").touch()
    found = verify(ResultFolder(rejected))
    assert found.ending == "rejected"
    assert found.faults == (
        "frame.jpg is there beside rejection.json; a rejected video has no other file.",
    )


def test_a_wrong_rejection_is_a_fault(rejected: Path) -> None:
    (rejected / "rejection.json").write_text("{}")
    faults = verify(ResultFolder(rejected)).faults
    assert "rejection.json is wrong: reason: Field required." in faults


def test_a_folder_that_does_not_exist_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="none cannot be read: No such file"):
        verify(ResultFolder(tmp_path / "none"))


def test_a_copy_of_a_result_under_another_name_has_no_fault(result: Path) -> None:
    copy = shutil.copytree(result, result.parent / "copy")
    assert verify(ResultFolder(copy)).faults == ()


def test_the_manifest_of_a_rejected_video_cannot_be_read(rejected: Path, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is a rejected video"):
        read_manifest(ResultFolder(rejected))
    with pytest.raises(InputFileError, match="is not a result: it has no manifest"):
        read_manifest(ResultFolder(tmp_path))


def edit_manifest(run_folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    file = run_folder / "manifest.json"
    manifest = json.loads(file.read_text())
    edit(manifest)
    file.write_text(json.dumps(manifest))


@pytest.fixture
def archived(tmp_path: Path, video: LocalVideo) -> Path:
    """Return the folder of a result with two images in an archive."""
    store = FolderStore(tmp_path, video.name, "abc")
    with Publisher(store, "abc", video, RunLog()) as publisher:
        publisher.begin()
        with publisher.images("tar") as put:
            put(IMAGE, b"jpeg")
            put(OTHER, b"other")
        published = publisher.finish({"frames_kept": 2})
    return Path(published.location)


def test_the_images_in_an_archive_are_counted(archived: Path) -> None:
    assert verify(ResultFolder(archived)) == Verification("done", None, 1, (), members=2)


def edit_members(folder: Path, edit: Callable[[list[dict[str, Any]]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    edit(manifest["files"][0]["members"])
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda members: members[1].update(offset=514), "begins within the one before it."),
        (lambda members: members[1].update(offset=10**6), "has 0 bytes; manifest.json says 5."),
        (lambda members: members[1].update(bytes=4), f"the sha256 {sha256_of(b'othe')}"),
        (lambda members: members[1].update(sha256="0" * 64), f"says {'0' * 64}."),
    ],
)
def test_a_member_that_is_not_where_the_manifest_says_is_found(
    archived: Path, edit: Callable[[list[dict[str, Any]]], object], fault: str
) -> None:
    edit_members(archived, edit)
    (found,) = verify(ResultFolder(archived)).faults
    assert found.startswith(f"{OTHER} in images.tar ")
    assert fault in found


def test_a_member_that_is_listed_twice_and_one_that_is_a_file_too_are_found(archived: Path) -> None:
    edit_members(archived, lambda members: members[1].update(path=IMAGE))
    (archived / "images" / "default").mkdir(parents=True)
    (archived / IMAGE).write_bytes(b"jpeg")
    assert verify(ResultFolder(archived)).faults == (
        f"manifest.json lists {IMAGE} 2 times.",
        f"{IMAGE} is not in manifest.json.",
    )


class WatchedFolder(ResultFolder):
    """A folder that notes which parts of files are read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.parts: list[ByteRange] = []

    def read_part(self, path: str, part: ByteRange) -> bytes:
        """Note a part, and return it."""
        self.parts.append(part)
        return super().read_part(path, part)


def test_a_file_that_the_manifest_does_not_list_is_not_read(result: Path) -> None:
    (result / "config.json").write_text("{}")
    files = ListedFiles(ResultFolder(result))
    assert files.read("frames.csv") == b"frame_index\n"
    with pytest.raises(InputFileError, match=r"config\.json is not in manifest\.json"):
        files.read("config.json")
    with pytest.raises(InputFileError, match=r"none\.json is missing"):
        files.read("none.json")


@pytest.mark.parametrize("place", [{"bytes": 2**52}, {"offset": 2**52}])
def test_a_member_that_is_larger_than_its_archive_takes_no_memory(
    archived: Path, place: dict[str, int]
) -> None:
    edit_members(archived, lambda members: members[1].update(place))
    folder = WatchedFolder(archived)
    with pytest.raises(InputFileError, match=rf"{OTHER} ends beyond images\.tar"):
        ListedFiles(folder).read(OTHER)
    assert folder.parts == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(offset=st.integers(-1, 3000) | st.integers(), size=st.integers(-1, 3000) | st.integers())
def test_no_place_in_a_manifest_reads_anything_but_a_part_of_the_archive(
    archived: Path, offset: int, size: int
) -> None:
    edit_members(archived, lambda members: members[1].update(offset=offset, bytes=size))
    archive_bytes = (archived / "images.tar").stat().st_size
    folder = WatchedFolder(archived)
    with suppress(InputFileError):
        assert ListedFiles(folder).read(OTHER) == b"other"
    assert all(
        part.start >= 0 < part.size and part.start + part.size <= archive_bytes
        for part in folder.parts
    )


def test_a_member_without_bytes_is_a_fault_of_the_manifest(archived: Path) -> None:
    """A range of no bytes is no range, so S3 would return the whole archive."""
    edit_members(archived, lambda members: members[0].update(bytes=0))
    (fault,) = verify(ResultFolder(archived)).faults
    assert fault.startswith("manifest.json is wrong: files.0.members.0.bytes: ")


@pytest.mark.parametrize("offset", [None, -1, "1", 2**64])
def test_a_member_without_a_place_is_a_fault_of_the_manifest(
    archived: Path, offset: object
) -> None:
    edit_members(archived, lambda members: members[0].update(offset=offset))
    (fault,) = verify(ResultFolder(archived)).faults
    assert fault.startswith("manifest.json is wrong: files.0.members.0.offset: ")
