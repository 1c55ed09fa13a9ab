"""`pretag evaluate`: its output, files and exit codes, on a real run with simulated corrections."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import clips
from tests.support.coco_builders import Json, coco_file, prediction
from tests.support.command import PRETAG_PROCESS, Pretag
from tests.support.cvat_project import cvat_project, video

BBOX = (1.0, 2.0, 30.0, 40.0)


@pytest.fixture(autouse=True)
def _temporary_folder_and_80_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a real run: 6 frames of the sample."""
    out = tmp_path_factory.mktemp("out")
    finished = subprocess.run(
        [
            *PRETAG_PROCESS, "run", clips.SAMPLE, "--out", out, "--json",
            "--set", "sampling.every_seconds=5", "--set", "dedupe.method=none",
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return Path(json.loads(finished.stdout)["result"])


@pytest.fixture
def truth_and_predictions(tmp_path: Path) -> tuple[Path, Path]:
    """Return files of a truth with two objects, and of predictions with one of them."""
    truth = write(tmp_path / "truth.json", coco_file([(1, 1, BBOX), (2, 1, BBOX)]))
    return truth, write(tmp_path / "predictions.json", [prediction(1, 1, BBOX, 0.9)])


def write(file: Path, value: object) -> Path:
    file.write_text(json.dumps(value))
    return file


def corrected(run_folder: Path) -> tuple[Json, Json]:
    """Return a corrected COCO file as CVAT exports it, and the number of each correction."""
    pre = json.loads((run_folder / "annotations" / "instances_default.json").read_text())
    names = {each["id"]: each["name"] for each in pre["categories"]}
    classes = ["van", *sorted(names.values(), reverse=True)]
    last_image = pre["images"][-1]["id"]
    counts = {"pre": 0, "kept": 0, "moved": 0, "relabelled": 0, "deleted": 0, "added": 1}
    annotations = [annotation(100 - pre["images"][0]["id"], classes.index("van") + 1, BBOX)]
    for number, each in enumerate(
        row for row in pre["annotations"] if row["image_id"] != last_image
    ):
        x, y, width, height = each["bbox"]
        name = names[each["category_id"]]
        correction = ("kept", "kept", "moved", "relabelled", "deleted")[number % 5]
        counts["pre"] += 1
        counts[correction] += 1
        if correction == "deleted":
            continue
        if correction == "moved":
            x, width = x + width / 10 + 1.1, width * 0.9
        name = "van" if correction == "relabelled" else name
        bbox = [round(value, 2) for value in (x, y, width, height)]
        annotations.append(annotation(100 - each["image_id"], classes.index(name) + 1, bbox))
    images = [
        {**each, "id": 100 - each["id"], "file_name": f"pedestrians/{each['file_name']}"}
        for each in reversed(pre["images"][:-1])
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]
    export = {"images": images, "categories": categories, "annotations": annotations}
    return export, {**counts, "truth": counts["pre"] - counts["deleted"] + counts["added"]}


def annotation(image: int, category: int, bbox: object) -> Json:
    return {
        "id": 1, "image_id": image, "category_id": category, "bbox": bbox, "iscrowd": 0,
        "segmentation": [], "attributes": {"occluded": False, "rotation": 0.0},
    }  # fmt: skip


def test_corrections_of_a_run_are_counted(pretag: Pretag, run_folder: Path, tmp_path: Path) -> None:
    export, counts = corrected(run_folder)
    assert min(counts.values()) > 0
    truth = write(tmp_path / "corrected.json", export)
    done = pretag("evaluate", "--run", run_folder, "--truth", truth)
    assert (done.code, done.err) == (0, "")
    assert f"Kept: {counts['kept']} of {counts['pre']} pre-annotations" in done.out
    corrections = sum(counts[name] for name in ("moved", "relabelled", "deleted", "added"))
    assert f"Work: {corrections} corrections." in done.out
    assert f"would have drawn {counts['truth']} objects." in done.out
    assert "Only in the run (deleted there, or not exported), so not compared: 1 image" in done.out
    assert done.out.endswith("Evaluation: evaluation.json\n")
    evaluation = json.loads((tmp_path / "evaluation.json").read_text())
    overall = evaluation["corrections"]["overall"]
    assert {name: overall[name] for name in counts} == counts
    assert evaluation["images"]["compared"] == 5
    only_in_run = [each["file_name"] for each in evaluation["images"]["only_in_run"]]
    assert only_in_run == ["frame_000250.jpg"]
    assert 0 < evaluation["figures"]["overall"]["AP"] < 1
    vans = [each for each in evaluation["corrections"]["by_class"] if each["name"] == "van"]
    assert [each["relabelled_to"] for each in vans] == [counts["relabelled"]]
    assert [each["added"] for each in vans] == [1]


def test_frames_of_other_videos_in_a_cvat_project_are_not_compared(
    pretag: Pretag, run_folder: Path, tmp_path: Path
) -> None:
    mine = json.loads((run_folder / "annotations" / "instances_default.json").read_text())
    other = video(seed=1, frames=(0, 50, 100, 120), boxes=9)
    truth = write(tmp_path / "project.json", cvat_project(other, mine))
    done = pretag("evaluate", "--run", run_folder, "--truth", truth)
    objects = len(mine["annotations"])
    assert f"Kept: {objects} of {objects} pre-annotations (100.0%)." in done.out
    assert "6 of 6 images needed no correction." in done.out
    assert (
        "Of other videos (by boxes that are the same in the run), so not compared: 4 images with "
        "36 objects: frame_000000.jpg, frame_000050.jpg, frame_000100.jpg, ..." in done.out
    )


def test_a_truth_without_a_box_of_the_run_is_pointed_out(
    pretag: Pretag, run_folder: Path, tmp_path: Path
) -> None:
    other = video(seed=1, frames=(0, 50, 100), boxes=9)
    for image in other["images"]:
        image |= {"width": 768, "height": 576}
    truth = write(tmp_path / "other.json", other)
    done = pretag("evaluate", "--run", run_folder, "--truth", truth)
    assert "check that the truth is of the same video." in done.out


def test_a_run_compared_with_itself_needs_no_correction(pretag: Pretag, run_folder: Path) -> None:
    truth = run_folder / "annotations" / "instances_default.json"
    done = pretag("evaluate", "--run", run_folder, "--truth", truth, "--json")
    evaluation = json.loads(done.out)
    overall = evaluation["corrections"]["overall"]
    assert overall["kept"] == overall["pre"] == overall["truth"] > 0
    assert overall["kept_share"] == evaluation["figures"]["overall"]["AP"] == 1.0
    assert evaluation["images"] == {
        "compared": 6, "untouched": 6, "only_in_run": [], "only_in_truth": [],
        "of_other_videos": [], "told_by": "only_video",
    }  # fmt: skip


def test_predictions_of_a_run_match_all_objects_of_its_own_annotations(
    pretag: Pretag, run_folder: Path
) -> None:
    truth = run_folder / "annotations" / "instances_default.json"
    predictions = run_folder / "predictions.json"
    done = pretag("evaluate", "--predictions", predictions, "--truth", truth)
    assert done.code == 0
    assert "AP      1.000" in done.out
    assert "kept" not in done.out


def test_metrics_are_written_and_printed(
    pretag: Pretag, truth_and_predictions: tuple[Path, Path]
) -> None:
    truth, predictions = truth_and_predictions
    done = pretag("evaluate", "--truth", truth, "--predictions", predictions, "--out", "x.json")
    assert done.code == 0
    evaluation = json.loads(Path("x.json").read_text())
    # Precision 1 at 51 of 101 recall points, up to recall 0.5.
    assert evaluation["figures"]["overall"]["AP"] == round(51 / 101, 6)
    assert evaluation["figures"]["by_class"] == [
        {
            "name": "person", "AP": round(51 / 101, 6), "AP50": round(51 / 101, 6), "AR100": 0.5,
            "truth": 2, "predictions": 1,
        }
    ]  # fmt: skip
    assert list(evaluation) == ["truth", "predictions", "images", "figures"]
    assert "person  0.505  0.505  0.500      2            1" in done.out
    assert " APl         -  AP of" in done.out


def test_a_truth_may_come_through_a_pipe(
    truth_and_predictions: tuple[Path, Path], tmp_path: Path
) -> None:
    truth, predictions = truth_and_predictions
    finished = subprocess.run(
        [
            *PRETAG_PROCESS, "evaluate", "--truth", "/dev/stdin", "--predictions", predictions,
            "--out", tmp_path / "x.json",
        ],
        input=truth.read_bytes(), capture_output=True, check=False,
    )  # fmt: skip
    assert (finished.returncode, finished.stderr) == (0, b"")


def test_json_on_standard_output_equals_the_file(
    pretag: Pretag, truth_and_predictions: tuple[Path, Path]
) -> None:
    truth, predictions = truth_and_predictions
    first = pretag("evaluate", "--truth", truth, "--predictions", predictions, "--json")
    assert first.out == Path("evaluation.json").read_text()
    again = pretag("evaluate", "--truth", truth, "--predictions", predictions, "--json")
    assert again == first


def test_an_empty_list_of_predictions_is_evaluated(
    pretag: Pretag, truth_and_predictions: tuple[Path, Path], tmp_path: Path
) -> None:
    empty = write(tmp_path / "empty.json", [])
    done = pretag("evaluate", "--truth", truth_and_predictions[0], "--predictions", empty, "--json")
    assert done.code == 0
    overall = json.loads(done.out)["figures"]["overall"]
    assert (overall["AP"], overall["APl"]) == (0.0, None)


def test_class_names_cannot_control_the_terminal(pretag: Pretag, tmp_path: Path) -> None:
    file = coco_file([(1, 1, BBOX)], categories=("[red]\x1b[31mx",))
    truth = write(tmp_path / "truth.json", file)
    predictions = write(tmp_path / "predictions.json", [prediction(1, 1, BBOX, 0.9)])
    done = pretag("evaluate", "--truth", truth, "--predictions", predictions)
    assert "[red]\N{REPLACEMENT CHARACTER}[31mx" in done.out
    assert "\x1b" not in done.out


@pytest.mark.parametrize("columns", ["80", "120"])
def test_tables_fit_the_terminal(
    pretag: Pretag, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    truth = write(tmp_path / "corrected.json", corrected(run_folder)[0])
    done = pretag("evaluate", "--run", run_folder, "--truth", truth)
    rows = done.out[: done.out.index("pre-annotations")].splitlines()[:-1]
    assert max(map(len, rows)) <= int(columns)
    assert "\N{HORIZONTAL ELLIPSIS}" not in done.out
    (headings,) = [row for row in rows if "kept %" in row]
    assert headings.split() == [
        "class", "pre", "kept", "kept", "%", "moved", "relabelled", "deleted", "added", "truth",
    ]  # fmt: skip


TRUTH, PREDICTIONS = ("--truth", "truth.json"), ("--predictions", "predictions.json")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (PREDICTIONS, 2, "Missing option '--truth'"),
        (TRUTH, 2, "Give either --predictions or --run"),
        ((*TRUTH, *PREDICTIONS, "--run", "."), 2, "Give either --predictions or --run"),
        ((*TRUTH, *PREDICTIONS, "--tolerance", "2"), 2, "--tolerance is only for --run"),
        (
            (*TRUTH, "--run", ".", "--tolerance", "nan"),
            2,
            "--tolerance must be a number of pixels, and is nan.",
        ),
        ((*TRUTH, "--run", ".", "--tolerance", "-1"), 2, "-1.0 is not in the range x>=0"),
        ((*TRUTH, *PREDICTIONS, "--out", "truth.json"), 2, "--out truth.json would change a file"),
        ((*TRUTH, "--run", ".", "--out", "x.json"), 2, "--out x.json would change a file"),
        ((*TRUTH, "--run", "..", "--out", "/x"), 1, ".. is not the folder of a run"),
        ((*TRUTH, "--predictions", "truth.json"), 1, "truth.json cannot be compared: it is not"),
        (("--truth", "predictions.json", *PREDICTIONS), 1, "give it with --predictions."),
        (("--truth", "none.json", *PREDICTIONS), 2, "none.json does not exist. Check the path."),
    ],
)
@pytest.mark.usefixtures("truth_and_predictions")
def test_a_wrong_call_prints_the_reason_and_writes_nothing(
    pretag: Pretag, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    done = pretag("evaluate", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_larger_tolerance_keeps_moved_boxes(
    pretag: Pretag, run_folder: Path, tmp_path: Path
) -> None:
    export, counts = corrected(run_folder)
    truth = write(tmp_path / "corrected.json", export)
    options = ("--run", run_folder, "--truth", truth, "--json")
    corrections = json.loads(pretag("evaluate", *options, "--tolerance", "500").out)["corrections"]
    assert corrections["tolerance_pixels"] == 500.0
    assert corrections["overall"]["moved"] == 0
    assert corrections["overall"]["kept"] >= counts["kept"] + counts["moved"]


def test_other_commands_do_not_import_pycocotools_and_scipy() -> None:
    code = (
        "import sys; from pipeline.cli.commands import pretag;"
        "[pretag.get_command(None, name) for name in pretag.list_commands(None)];"
        "print(*{'pycocotools', 'scipy'} & set(sys.modules))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert finished.stdout == "\n"
