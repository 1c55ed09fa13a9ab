"""`pretag run` of folders, patterns and prefixes, into folders and buckets."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from pipeline.storage.result_folder import ResultFolder
from pipeline.storage.s3.result import S3Result
from pipeline.storage.verification import verify
from tests.support import clips
from tests.support.lambda_function import RESULTS, VIDEOS

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.support.command import Pretag


@pytest.fixture(scope="module")
def clip_bytes(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return the bytes of two short videos."""
    folder = tmp_path_factory.mktemp("clips")
    return [
        clips.write_clip(folder / f"{seed}.mp4", [clips.texture(seed)] * 3).read_bytes()
        for seed in range(2)
    ]


@pytest.fixture
def videos(tmp_path: Path, clip_bytes: list[bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two videos of one name, and with another file."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "videos"
    names = ("a.mp4", "day 1/a.mp4")
    for name, data in zip(names, clip_bytes, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "notes.txt").write_text("no video")
    return folder


def manifests(out: Path) -> list[str]:
    """Return the folders of the videos that have a dataset."""
    found = out.rglob("manifest.json")
    return sorted(path.parents[1].relative_to(out).as_posix() for path in found)


def keys(s3: S3Client, bucket: str = RESULTS) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def outcomes(out: str) -> list[tuple[str, str]]:
    lines = map(json.loads, out.splitlines())
    return [(line["status"], PurePosixPath(line["result"]).parent.name) for line in lines]


def test_a_folder_is_processed_and_ends_with_one_table(
    pretag: Pretag, videos: Path, tmp_path: Path
) -> None:
    done = pretag("run", videos, "--out", "out")
    assert (done.code, done.err) == (0, "")
    assert manifests(tmp_path / "out") == ["a.mp4", "day 1/a.mp4"]
    assert done.out.count("video ") == 1
    assert "decode" not in done.out
    assert done.out.splitlines()[-2:] == ["2 videos: 2 done.", "Datasets: out/<video>/<run>"]
    for path in (tmp_path / "out").rglob("manifest.json"):
        assert verify(ResultFolder(path.parent)).faults == ()


def test_what_is_complete_is_skipped_and_what_is_not_is_processed_again(
    pretag: Pretag, videos: Path, tmp_path: Path
) -> None:
    pretag("run", videos, "--out", "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("manifest.json")}
    image = next((tmp_path / "out" / "a.mp4").rglob("*.jpg"))
    image.unlink()
    done = pretag("run", videos, "--out", "out")
    assert done.code == 0
    assert done.out.splitlines()[-2] == "2 videos: 1 done, 1 done before, so skipped."
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("manifest.json")}
    changed = [path for path in before if after[path] != before[path]]
    assert [path.parents[2].name for path in changed] == ["out"]


def test_one_video_that_is_complete_is_skipped(pretag: Pretag, videos: Path) -> None:
    first = pretag("run", videos / "a.mp4", "--out", "out", "--json")
    done = pretag("run", videos / "a.mp4", "--out", "out")
    assert done.out == (
        f"{videos}/a.mp4 was done before, so it is skipped.\n"
        f"Dataset: {json.loads(first.out)['result']}\n"
    )
    again = pretag("run", videos / "a.mp4", "--out", "out", "--json")
    assert outcomes(again.out) == [("repeated", "a.mp4")]


def test_errors_of_some_videos_do_not_stop_the_others(
    pretag: Pretag, videos: Path, tmp_path: Path
) -> None:
    (videos / "b.mp4").write_text("no video")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.mp4").write_text("in the way")
    done = pretag("run", videos, "--out", "out")
    assert done.code == 1
    first, second = done.err.splitlines()
    assert first.startswith("pretag: out/a.mp4 cannot be written: ")
    assert second.startswith(f"pretag: rejected: {videos}/b.mp4 is not a video")
    assert done.out.splitlines()[-2] == "3 videos: 1 done, 1 rejected, 1 failed."


def test_a_prefix_in_s3_is_processed_into_a_folder(
    pretag: Pretag, s3: S3Client, tmp_path: Path, clip_bytes: list[bytes]
) -> None:
    for key in ("in/a.mp4", "in/../../a.mp4"):
        s3.put_object(Bucket=VIDEOS, Key=key, Body=clip_bytes[0])
    s3.put_object(Bucket=VIDEOS, Key="in/notes.txt", Body=b"no video")
    s3.put_object(Bucket=VIDEOS, Key="into/a.mp4", Body=clip_bytes[0])
    out = tmp_path / "below" / "out"
    done = pretag("run", f"s3://{VIDEOS}/in/", "--out", out)
    assert (done.code, done.err) == (0, "")
    assert manifests(out) == ["in/_/_/a.mp4", "in/a.mp4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["below"]
    (manifest,) = (out / "in" / "a.mp4").rglob("manifest.json")
    assert json.loads(manifest.read_text())["source"]["uri"] == f"s3://{VIDEOS}/in/a.mp4"
    again = pretag("run", f"s3://{VIDEOS}/in/a.mp4", "--out", out, "--json")
    assert outcomes(again.out) == [("repeated", "a.mp4")]


def test_results_in_s3_are_complete_and_published_once(
    pretag: Pretag, s3: S3Client, videos: Path
) -> None:
    target = f"s3://{RESULTS}/data sets/"
    done = pretag("run", videos, "--out", target, "--json")
    assert (done.code, done.err) == (0, "")
    results = [json.loads(line)["result"] for line in done.out.splitlines()]
    assert [result.rpartition("/")[0] for result in results] == [
        f"s3://{RESULTS}/data sets/{name}" for name in ("a.mp4", "day 1/a.mp4")
    ]
    for result in results:
        verification = verify(S3Result.at(result))
        assert (verification.ending, verification.faults) == ("done", ())
    left = [key for key in keys(s3) if key.startswith("pretag-work/")]
    assert [key for key in left if not key.endswith("/decision.json")] == []
    before = {key: s3.head_object(Bucket=RESULTS, Key=key)["LastModified"] for key in keys(s3)}
    again = pretag("run", videos, "--out", target)
    assert again.out.splitlines()[-2] == "2 videos: 2 done before, so skipped."
    assert {key: s3.head_object(Bucket=RESULTS, Key=key)["LastModified"] for key in keys(s3)} == (
        before
    )


@pytest.mark.parametrize("out", ["out", f"s3://{RESULTS}/x"])
@pytest.mark.usefixtures("s3")
def test_two_videos_of_one_name_in_two_commands_do_not_share_a_folder(
    pretag: Pretag, videos: Path, out: str
) -> None:
    first = pretag("run", videos / "a.mp4", "--out", out, "--json")
    other = pretag("run", videos / "day 1" / "a.mp4", "--out", out, "--json")
    ((_, folder),) = outcomes(other.out)
    assert outcomes(first.out) == [("done", "a.mp4")]
    assert folder.startswith("a.mp4-")
    assert other.err == (
        f"pretag: {out}/a.mp4 has results of another video, so those of {videos}/day 1/a.mp4 go "
        f"to {out}/{folder}.\n"
    )
    for name, of_video in (("a.mp4", "a.mp4"), ("day 1/a.mp4", folder)):
        again = pretag("run", videos / name, "--out", out, "--json")
        assert outcomes(again.out) == [("repeated", of_video)]


def test_a_rejection_in_s3_is_published(pretag: Pretag, s3: S3Client) -> None:
    s3.put_object(Bucket=VIDEOS, Key="text.mp4", Body=b"no video")
    for _ in range(2):
        done = pretag("run", f"s3://{VIDEOS}/text.mp4", "--out", f"s3://{RESULTS}")
        assert done.code == 3
        assert done.err.startswith(f"pretag: rejected: s3://{VIDEOS}/text.mp4 is not a video")
    visible = [key for key in keys(s3) if not key.startswith("pretag-work/")]
    assert [key.rpartition("/")[2] for key in visible] == ["rejection.json"]


def test_a_video_for_which_a_function_is_too_small_is_processed(
    pretag: Pretag, s3: S3Client, videos: Path
) -> None:
    command = ("run", videos / "a.mp4", "--out", f"s3://{RESULTS}", "--json")
    result = json.loads(pretag(*command).out)["result"]
    for key in keys(s3):
        s3.delete_object(Bucket=RESULTS, Key=key)
    rejection = {
        "run_id": result.rpartition("/")[2],
        "reason": "too_long_for_function",
        "message": "It takes too long.",
        "capacity": {"memory_megabytes": 10_240, "timeout_seconds": 900},
    }
    folder = result.removeprefix(f"s3://{RESULTS}/")
    s3.put_object(Bucket=RESULTS, Key=f"{folder}/rejection.json", Body=json.dumps(rejection))
    done = pretag(*command)
    assert (done.code, json.loads(done.out)["status"]) == (0, "done")
    assert verify(S3Result.at(result)).faults == ()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((f"s3://{VIDEOS}/none.mp4",), 1, "none.mp4 does not exist. Check the key;"),
        ((f"s3://{VIDEOS}/none/",), 2, "none/ has no video."),
        (("s3://",), 2, "'s3://' must have the form s3://bucket/key or s3://bucket/prefix/"),
        (("s3://no-such-bucket/in/",), 1, "no-such-bucket"),
        (("a.mp4", "--out", f"s3://{RESULTS}/pretag-work/x"), 2, "is below pretag-work/, where"),
        (("a.mp4", "--out", "s3://no-such-bucket"), 1, "no-such-bucket"),
    ],
)
@pytest.mark.usefixtures("s3", "videos")
def test_a_wrong_place_in_s3_is_told(
    pretag: Pretag, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    shutil.copy(tmp_path / "videos" / "a.mp4", tmp_path / "a.mp4")
    out = () if "--out" in arguments else ("--out", "out")
    done = pretag("run", *arguments, *out)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_without_the_package_for_s3_a_sentence_names_the_extra(
    pretag: Pretag, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("pipeline.storage.s3.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("boto3", "botocore", "botocore.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    for arguments in (("s3://videos/", "--out", "out"), (videos, "--out", "s3://results/x")):
        done = pretag("run", *arguments)
        assert (done.code, done.out) == (1, "")
        assert "This needs the package boto3, which is not there" in done.err
        assert "pip install '.[s3]'" in done.err
