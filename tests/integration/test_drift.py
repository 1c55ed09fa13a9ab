"""Baselines of real results, and runs that are compared with them: folders, S3 and the function."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from handler import metrics
from pipeline.dataset.result_sample import read_sample
from pipeline.drift.baseline import Baseline
from pipeline.drift.drift import Drift
from pipeline.errors import BrokenError
from pipeline.resources.deadline import Deadline
from pipeline.storage.baseline_file import read_baseline
from pipeline.storage.result_folder import ResultFolder
from tests.support import emf, runs
from tests.support.lambda_function import RESULTS, VARIABLES, emulated_s3, notify, put_video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from pipeline.outcome import Outcome
    from tests.support.command import Pretag

SECTIONS: dict[str, Any] = {"sampling": {"every_seconds": 4}, "dedupe": {"method": "none"}}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return a run of the sample without a baseline."""
    return runs.run(tmp_path_factory.mktemp("out"), **SECTIONS)


@pytest.fixture(scope="module")
def results(done: Outcome, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return six folders with the files of the run, as if it were six runs."""
    folders = []
    for number in range(6):
        folder = tmp_path_factory.mktemp("results") / f"{number:016x}"
        shutil.copytree(runs.result_folder(done), folder)
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest["run_id"] = folder.name
        (folder / "manifest.json").write_text(json.dumps(manifest))
        folders.append(folder)
    return folders


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with emulated_s3() as client:
        yield client


def test_a_run_is_compared_and_has_the_same_id_and_data_files(
    pretag: Pretag, done: Outcome, results: list[Path], tmp_path: Path
) -> None:
    file = tmp_path / "b.json"
    finished = pretag("baseline", *results, results[0], "--out", file)
    objects = sum(done.log.detections_by_class.values())
    said = f"{file}: the baseline of 6 results with {6 * objects} objects.\n"
    assert finished == (0, said, "")

    same = runs.run(tmp_path / "same", **SECTIONS, drift={"baseline": str(file)})
    assert isinstance(same.log.drift, Drift)
    assert not same.log.drift.is_drifted
    assert same.log.drift.classes.distance == pytest.approx(0, abs=1e-3)
    assert runs.result_folder(same).name == runs.result_folder(done).name
    assert runs.data_files_of(same) == runs.data_files_of(done)
    report = runs.files_of(same)["report.md"].decode()
    assert "differs from the baseline by no more" in runs.files_of(same)["report.html"].decode()
    assert "## Drift\n\nThe run differs from the baseline by no more than" in report
    assert f"\nclass drift,{same.log.drift.classes.index:.4f},stability index," in (
        runs.files_of(same)["logs.csv"].decode()
    )
    assert same.summary()["drift"]["drifted"] is False
    assert "drift" not in done.summary()
    assert "Drift" not in runs.files_of(done)["report.md"].decode()


def test_a_run_whose_baseline_has_other_classes_has_drifted(
    results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, sample = read_sample(ResultFolder(results[0]))
    usual = Baseline.of([sample] * 6)
    swapped = ("boat", *usual.labels[1:])
    file = tmp_path / "b.json"
    file.write_text(usual.model_copy(update={"labels": swapped}).model_dump_json())
    outcome = runs.run(tmp_path / "out", **SECTIONS, drift={"baseline": str(file)})
    assert isinstance(outcome.log.drift, Drift)
    assert outcome.log.drift.is_drifted
    assert "differs from the baseline by more than" in (
        runs.files_of(outcome)["report.md"].decode()
    )
    metrics.emit_outcome(outcome, ())
    (line,) = [blob for blob in emf.blobs(capsys.readouterr().out) if "DriftLevel" in blob]
    assert line["DriftLevel"] == [outcome.log.drift.level]
    assert line["RunsDrifted"] == [1]
    assert line["drift"]["drifted"] is True


def test_baselines_are_made_of_and_written_to_s3_and_the_function_reads_them(
    pretag: Pretag,
    s3: S3Client,
    results: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    uris = []
    for folder in results:
        for path in ("manifest.json", "config.json", "annotations/instances_default.json"):
            key = f"datasets/a.mp4/{folder.name}/{path}"
            s3.put_object(Bucket=RESULTS, Key=key, Body=(folder / path).read_bytes())
        uris.append(f"s3://{RESULTS}/datasets/a.mp4/{folder.name}")
    uri = f"s3://{RESULTS}/drift/b.json"
    assert pretag("baseline", *uris, "--out", uri).code == 0
    baseline = read_baseline(uri, Deadline.never())
    assert baseline == Baseline.of([read_sample(ResultFolder(each))[1] for each in results])

    monkeypatch.setenv("PRETAG_DRIFT__BASELINE", uri)
    monkeypatch.setenv("PRETAG_SAMPLING__EVERY_SECONDS", "10")
    (video,) = notify(put_video(s3))["videos"]
    assert "a comparison needs 50" in video["drift"]["not_compared"]
    blobs = emf.blobs(capfd.readouterr().out)
    assert any("not_compared" in blob.get("drift", {}) for blob in blobs)
    assert not any("DriftLevel" in blob for blob in blobs)

    s3.delete_object(Bucket=RESULTS, Key="drift/b.json")
    with pytest.raises(BrokenError, match=r"does not exist.*the config key drift\.baseline"):
        notify(put_video(s3, "incoming/b.mp4"))


def test_a_result_that_was_changed_or_is_small_is_not_taken_silently(
    pretag: Pretag, results: list[Path], tmp_path: Path
) -> None:
    changed = shutil.copytree(results[0], tmp_path / "changed")
    (changed / "config.json").write_text("{}")
    code, _, err = pretag("baseline", *results, changed, "--out", tmp_path / "b.json")
    assert (code, "changed is not complete: config.json was changed." in err) == (1, True)
    assert not (tmp_path / "b.json").exists()

    sparse = {**SECTIONS, "sampling": {"every_seconds": 20}}
    small = runs.result_folder(runs.run(tmp_path / "out", **sparse))
    code, _, err = pretag("baseline", *results[:4], small, "--out", tmp_path / "b.json")
    assert code == 1
    assert "left out. It has" in err
    assert "and there are 4. From fewer" in err


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read: No such file"), (b"x" * 2**21, "larger than 1 MB")]
)
def test_a_baseline_that_cannot_be_read_ends_the_run_before_the_work(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "b.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BrokenError, match=why):
        runs.run(tmp_path / "out", drift={"baseline": str(file)})
    assert not list((tmp_path / "out").rglob("frame_*"))
