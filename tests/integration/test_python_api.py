"""The Python API: what the documentation shows works, and errors are pretag's own."""

import inspect
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import pretag
from tests.support import clips

ROOT = Path(__file__).parents[2]
SPARSE = {"sampling": {"every_seconds": 5}}


@pytest.fixture
def folder_with_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(clips.SAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_public_names_exist_and_are_documented() -> None:
    for name in pretag.__all__:
        assert name == "__version__" or inspect.getdoc(getattr(pretag, name))


def test_a_video_is_annotated_into_a_folder(tmp_path: Path) -> None:
    progress: list[tuple[float, float | None]] = []
    outcome = pretag.annotate(
        clips.SAMPLE,
        tmp_path / "out",
        config=SPARSE,
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert outcome.status == "done"
    assert (Path(str(outcome.result)) / "manifest.json").is_file()
    assert outcome.log.counts()["frames_sampled"] == len(progress) == 6


def test_two_videos_of_one_name_do_not_share_a_folder(tmp_path: Path) -> None:
    results = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        clip = clips.write_clip(folder / "a.mp4", [clips.texture(number)] * 2)
        results.append(Path(pretag.annotate(clip, tmp_path / "out").result))
    first, second = (result.parent.name for result in results)
    assert first == "a.mp4"
    assert second.startswith("a.mp4-")


def test_the_loaded_model_of_a_detector_is_used_with_the_configuration(tmp_path: Path) -> None:
    detector = pretag.load_detector()
    config = {**SPARSE, "detector": {"classes": ["person"]}}
    outcome = pretag.annotate(clips.SAMPLE, tmp_path, config=config, detector=detector)
    assert set(outcome.log.detections_by_class) == {"person"}


@pytest.mark.parametrize("video", ["none.mp4", "nul\0.mp4", "s3://bucket/none.mp4", "."])
def test_a_wrong_path_of_a_video_is_an_error_and_no_rejection(tmp_path: Path, video: str) -> None:
    with pytest.raises(pretag.InputFileError):
        pretag.annotate(video, tmp_path / "out")
    with pytest.raises(pretag.InputFileError):
        next(iter(pretag.sample_frames(video)))
    assert not (tmp_path / "out").exists()


def test_results_are_not_written_into_a_folder_named_as_a_uri(folder_with_sample: Path) -> None:
    with pytest.raises(pretag.InputFileError, match="s3://bucket/x is a URI"):
        pretag.annotate("pedestrians.mp4", "s3://bucket/x")
    with pytest.raises(pretag.ConfigError, match=r"s3://bucket/a\.yaml is a URI"):
        pretag.load_config("s3://bucket/a.yaml")
    assert [path.name for path in folder_with_sample.iterdir()] == ["pedestrians.mp4"]


def test_sampled_frames_can_be_left_early() -> None:
    frames = pretag.sample_frames(clips.SAMPLE, config=SPARSE)
    first = next(iter(frames))
    assert (first.index, first.pts_ms) == (0, 0.0)
    assert first.image.dtype == np.uint8


def test_sampled_frames_of_a_range_without_frames_are_a_rejection() -> None:
    with pytest.raises(pretag.RejectedError, match="has nothing to sample") as rejection:
        list(pretag.sample_frames(clips.SAMPLE, config={"sampling": {"start_seconds": 30}}))
    assert rejection.value.reason == "no_sample"


def test_configuration_comes_from_mappings_and_files(tmp_path: Path) -> None:
    file = tmp_path / "pretag.toml"
    file.write_text("[sampling]\nevery_seconds = 5\n")
    assert pretag.load_config(file) == pretag.load_config(SPARSE)
    assert pretag.load_config() == pretag.Config()
    with pytest.raises(pretag.ConfigError, match=r"did you mean 'sampling\.every_seconds'"):
        pretag.load_config({"sampling": {"every_second": 5}})
    with pytest.raises(pretag.ConfigError, match="No such file"):
        pretag.load_config(tmp_path / "none.yaml")


def test_the_python_code_of_the_readme_runs(
    folder_with_sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert code.count("\n") <= 10
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own text
    assert capsys.readouterr().out
    assert list(folder_with_sample.glob("out/pedestrians.mp4/*/manifest.json"))


def test_the_notebook_runs(folder_with_sample: Path) -> None:
    notebook = nbformat.read(ROOT / "samples/pretag.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, resources={"metadata": {"path": folder_with_sample}}).execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert "done" in outputs[0][0]["data"]["text/plain"]
    assert "image/jpeg" in outputs[1][-1]["data"]
    printed = "".join(output["text"] for output in outputs[2])  # in one piece or in several
    assert printed.startswith("0 0.0 ")
