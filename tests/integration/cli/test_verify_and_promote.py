"""`pretag verify` and `pretag promote`: results in folders and in S3, output and exit codes."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from pipeline.storage.s3 import ranged_reader, video
from pipeline.text import path_text
from tests.support import runs
from tests.support.lambda_function import RESULTS

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.support.command import Pretag

VIDEO_PREFIX = "datasets/cam 1+2/höhe.mp4"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a result."""
    out = tmp_path_factory.mktemp("out")
    outcome = runs.run(out, sampling={"every_seconds": 10}, dedupe={"method": "none"})
    return runs.result_folder(outcome)


@pytest.fixture
def result(tmp_path: Path, finished: Path) -> Path:
    """Return a copy of a result in its video's folder, with `latest.json`."""
    copy = shutil.copytree(finished.parent, tmp_path / "out" / "pedestrians.mp4")
    return copy / finished.name


@pytest.fixture
def rejected(tmp_path: Path) -> Path:
    """Return the folder of a rejected video."""
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    return runs.result_folder(runs.run(tmp_path / "out", text))


def upload(client: S3Client, run_folder: Path) -> str:
    """Upload a run without its `latest.json`, and return its URI."""
    prefix = f"{VIDEO_PREFIX}/{run_folder.name}"
    for file in run_folder.rglob("*"):
        if file.is_file():
            key = f"{prefix}/{file.relative_to(run_folder).as_posix()}"
            client.put_object(Bucket=RESULTS, Key=key, Body=file.read_bytes())
    return f"s3://{RESULTS}/{prefix}"


def latest_in_s3(client: S3Client) -> dict[str, object]:
    answer = client.get_object(Bucket=RESULTS, Key=f"{VIDEO_PREFIX}/latest.json")
    return dict(json.loads(answer["Body"].read()))


def test_a_complete_result_is_verified(pretag: Pretag, result: Path) -> None:
    done = pretag("verify", result)
    assert done == (0, f"{result}: complete. 10 files as the manifest says.\n", "")


def test_a_rejected_video_is_verified(pretag: Pretag, rejected: Path) -> None:
    done = pretag("verify", rejected)
    assert done == (0, f"{rejected}: complete. The video was rejected (not_a_video).\n", "")


def test_each_fault_has_a_line_and_each_result_a_summary(
    pretag: Pretag, result: Path, rejected: Path, tmp_path: Path
) -> None:
    (result / "frames.csv").unlink()
    (result / "\x1b[2J.txt").touch()
    empty = tmp_path / "empty"
    empty.mkdir()
    done = pretag("verify", result, empty, rejected)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        f"{result}: frames.csv is missing.",
        f"{result}: \N{REPLACEMENT CHARACTER}[2J.txt is not in manifest.json.",
        f"{result}: 2 faults.",
        f"{empty}: It has neither manifest.json nor rejection.json, so it is not a result.",
        f"{empty}: not a result.",
        f"{rejected}: complete. The video was rejected (not_a_video).",
    ]


def test_a_result_must_be_named(pretag: Pretag) -> None:
    assert pretag("verify").code == 2
    assert pretag("promote").code == 2


@pytest.mark.parametrize("uri", ["s3://", "s3://bucket", "s3://bucket/run", "s3:///key/run"])
@pytest.mark.parametrize("command", ["verify", "promote"])
def test_a_uri_without_a_run_names_no_result(pretag: Pretag, command: str, uri: str) -> None:
    done = pretag(command, uri)
    assert done == (
        2, "", f"pretag: {uri} names no result. Write s3://bucket/prefix/key/run.\n",
    )  # fmt: skip


def test_a_result_in_s3_is_verified(pretag: Pretag, s3: S3Client, result: Path) -> None:
    uri = upload(s3, result)
    s3.put_object(Bucket=RESULTS, Key=f"{VIDEO_PREFIX}/{result.name}/images/", Body=b"")
    done = pretag("verify", f"{uri}/")
    assert done == (0, f"{uri}: complete. 10 files as the manifest says.\n", "")


def test_a_large_object_is_read_in_blocks(
    pretag: Pretag, s3: S3Client, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ranged_reader, video):
        monkeypatch.setattr(module, "BLOCK_BYTES", 10_000)
    uri = upload(s3, result)
    assert pretag("verify", uri).code == 0
    image = next((result / "images" / "default").iterdir())
    changed = image.read_bytes()[:-1] + b"\x00"
    key = f"{VIDEO_PREFIX}/{result.name}/images/default/{image.name}"
    s3.put_object(Bucket=RESULTS, Key=key, Body=changed)
    done = pretag("verify", uri)
    assert done.code == 1
    assert done.out.startswith(f"{uri}: images/default/{image.name} has the sha256 ")


def test_faults_of_a_result_in_s3_are_found(pretag: Pretag, s3: S3Client, result: Path) -> None:
    uri = upload(s3, result)
    prefix = f"{VIDEO_PREFIX}/{result.name}"
    s3.put_object(Bucket=RESULTS, Key=f"{prefix}/rejection.json", Body=b"{}")
    s3.put_object(Bucket=RESULTS, Key=f"{prefix}/frames.csv", Body=b"")
    s3.put_object(Bucket=RESULTS, Key=f"{prefix}/old/a.txt", Body=b"")
    s3.delete_object(Bucket=RESULTS, Key=f"{prefix}/report.md")
    size = (result / "frames.csv").stat().st_size
    done = pretag("verify", uri)
    assert done.code == 1
    assert done.out.splitlines() == [
        f"{uri}: rejection.json is there beside manifest.json; a result has one of them.",
        f"{uri}: report.md is missing.",
        f"{uri}: old/a.txt is not in manifest.json.",
        f"{uri}: frames.csv has 0 bytes; manifest.json says {size}.",
        f"{uri}: 4 faults.",
    ]


@pytest.mark.usefixtures("s3")
def test_a_prefix_without_objects_and_a_bucket_that_is_not_there(pretag: Pretag) -> None:
    nothing = f"s3://{RESULTS}/datasets/none.mp4/abc"
    done = pretag("verify", nothing, "s3://no-such-bucket/a.mp4/abc")
    assert done.code == 1
    assert done.out.splitlines()[-1] == f"{nothing}: not a result."
    assert done.err.startswith("pretag: S3 refuses ListObjectsV2 on s3://no-such-bucket/")


def test_a_folder_is_promoted(pretag: Pretag, result: Path) -> None:
    latest = result.parent / "latest.json"
    finished = json.loads(latest.read_text())["finished"]
    other = {"run_id": "0123", "manifest": "0123/manifest.json", "finished": "2030"}
    latest.write_text(json.dumps({**other, "sequencer": "0A"}))
    done = pretag("promote", result)
    assert done == (0, f"latest.json names {result} now.\n", "")
    assert json.loads(latest.read_text()) == {
        "run_id": result.name,
        "manifest": f"{result.name}/manifest.json",
        "finished": finished,
        "sequencer": "0A",
    }
    assert sorted(path.name for path in result.parent.iterdir()) == [result.name, "latest.json"]


def test_a_folder_is_promoted_from_inside_and_without_an_earlier_pointer(
    pretag: Pretag, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (result.parent / "latest.json").unlink()
    monkeypatch.chdir(result)
    assert pretag("promote", ".").code == 0
    assert json.loads((result.parent / "latest.json").read_text())["run_id"] == result.name


def test_a_result_in_s3_is_promoted_and_keeps_source_and_sequencer(
    pretag: Pretag, s3: S3Client, result: Path
) -> None:
    uri = upload(s3, result)
    standing = {
        "run_id": "0123", "manifest": "0123/manifest.json", "finished": "2030",
        "source": {"bucket": "incoming"}, "sequencer": "0067A1B2C3D4E5F601",
    }  # fmt: skip
    s3.put_object(
        Bucket=RESULTS, Key=f"{VIDEO_PREFIX}/latest.json", Body=json.dumps(standing).encode()
    )
    done = pretag("promote", uri)
    assert done == (0, f"latest.json names {uri} now.\n", "")
    assert latest_in_s3(s3) == {
        **standing,
        "run_id": result.name,
        "manifest": f"{result.name}/manifest.json",
        "finished": json.loads((result / "manifest.json").read_text())["finished"],
    }


def test_a_result_in_s3_is_promoted_without_an_earlier_pointer(
    pretag: Pretag, s3: S3Client, result: Path
) -> None:
    assert pretag("promote", upload(s3, result)).code == 0
    assert latest_in_s3(s3)["run_id"] == result.name


def test_what_is_no_dataset_is_not_promoted(
    pretag: Pretag, s3: S3Client, rejected: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    in_s3 = upload(s3, rejected)
    for name, what in (
        (rejected, "is a rejected video"),
        (in_s3, "is a rejected video"),
        (empty, "is not a result: it has no manifest"),
        (f"s3://{RESULTS}/none.mp4/abc", "is not a result: it has no manifest"),
    ):
        done = pretag("promote", name)
        assert done == (1, "", f"pretag: {name} {what}. Name the folder of a dataset.\n")
    assert not (rejected.parent / "latest.json").exists()


def test_a_result_under_another_name_is_not_promoted(pretag: Pretag, result: Path) -> None:
    copy = result.rename(result.with_name("copy"))
    done = pretag("promote", copy)
    assert done.code == 1
    assert f"holds the run {result.name}, so latest.json cannot name it" in done.err


def test_a_damaged_manifest_is_not_promoted(pretag: Pretag, result: Path) -> None:
    (result / "manifest.json").write_text("{}")
    done = pretag("promote", result)
    assert done.code == 1
    assert "manifest.json is wrong: run_id: Field required; " in done.err


def test_a_damaged_pointer_is_not_replaced(pretag: Pretag, result: Path) -> None:
    latest = result.parent / "latest.json"
    latest.write_text("{")
    done = pretag("promote", result)
    assert (done.code, latest.read_text()) == (1, "{")
    assert "latest.json is not as pretag writes it. Delete it" in done.err


def test_a_folder_that_may_not_be_written_is_reported(pretag: Pretag, result: Path) -> None:
    latest = result.parent / "latest.json"
    latest.unlink()
    latest.mkdir()
    done = pretag("promote", result)
    assert (done.code, done.out) == (1, "")
    assert path_text(latest) in done.err
