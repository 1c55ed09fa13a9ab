"""`pretag evaluate` as a person meets it, on a real run that a labeller has corrected."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import clips, coco_builders
from tests.support.coco_builders import Json, prediction
from tests.support.command import Pretag

PLACE = (1.0, 2.0, 30.0, 40.0)


@pytest.fixture(autouse=True)
def _in_a_folder_and_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a real run: 6 frames of the sample."""
    out = tmp_path_factory.mktemp("out")
    finished = subprocess.run(
        [
            sys.executable, "-m", "pipeline", "run", clips.SAMPLE, "--out", out, "--json",
            "--set", "sampling.every_seconds=5", "--set", "dedupe.method=none",
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return Path(json.loads(finished.stdout)["result"])


@pytest.fixture
def plain(tmp_path: Path) -> tuple[Path, Path]:
    """Return a truth and predictions of it: one of two objects is found."""
    truth = write(tmp_path / "truth.json", coco_builders.coco([(1, 1, PLACE), (2, 1, PLACE)]))
    return truth, write(tmp_path / "predictions.json", [prediction(1, 1, PLACE, 0.9)])


def write(file: Path, value: object) -> Path:
    file.write_text(json.dumps(value))
    return file


def corrected(run_folder: Path) -> tuple[Json, Json]:
    """Return what CVAT would export after some work, and that work."""
    pre = json.loads((run_folder / "annotations" / "instances_default.json").read_text())
    names = {each["id"]: each["name"] for each in pre["categories"]}
    classes = ["van", *sorted(names.values(), reverse=True)]
    last = pre["images"][-1]["id"]
    work = {"pre": 0, "kept": 0, "moved": 0, "relabelled": 0, "deleted": 0, "added": 1}
    annotations = [labels_row(100 - pre["images"][0]["id"], classes.index("van") + 1, PLACE)]
    for number, each in enumerate(row for row in pre["annotations"] if row["image_id"] != last):
        x, y, width, height = each["bbox"]
        name = names[each["category_id"]]
        fate = ("kept", "kept", "moved", "relabelled", "deleted")[number % 5]
        work["pre"] += 1
        work[fate] += 1
        if fate == "deleted":
            continue
        if fate == "moved":
            x, width = x + width / 10 + 1.1, width * 0.9
        name = "van" if fate == "relabelled" else name
        bbox = [round(value, 2) for value in (x, y, width, height)]
        annotations.append(labels_row(100 - each["image_id"], classes.index(name) + 1, bbox))
    images = [
        {**each, "id": 100 - each["id"], "file_name": f"pedestrians/{each['file_name']}"}
        for each in reversed(pre["images"][:-1])
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]
    export = {"images": images, "categories": categories, "annotations": annotations}
    return export, {**work, "truth": work["pre"] - work["deleted"] + work["added"]}


def labels_row(image: int, category: int, bbox: object) -> Json:
    return {
        "id": 1, "image_id": image, "category_id": category, "bbox": bbox, "iscrowd": 0,
        "segmentation": [], "attributes": {"occluded": False, "rotation": 0.0},
    }  # fmt: skip


def test_a_run_against_its_corrected_export(
    pretag: Pretag, run_folder: Path, tmp_path: Path
) -> None:
    export, work = corrected(run_folder)
    assert min(work.values()) > 0
    truth = write(tmp_path / "corrected.json", export)
    done = pretag("evaluate", "--run", run_folder, "--truth", truth)
    assert (done.code, done.err) == (0, "")
    assert f"{work['kept']} of {work['pre']} pre-annotations" in done.out
    corrections = work["moved"] + work["relabelled"] + work["deleted"] + work["added"]
    assert f"{corrections} corrections instead of {work['truth']} objects to draw." in done.out
    assert "Only in the run (deleted there, or not exported) and not compared: 1 image" in done.out
    assert done.out.endswith("Evaluation: evaluation.json\n")
    found = json.loads((tmp_path / "evaluation.json").read_text())
    overall = found["corrections"]["overall"]
    assert {name: overall[name] for name in work} == work
    assert found["images"]["compared"] == 5
    assert [each["file_name"] for each in found["images"]["only_in_run"]] == ["frame_000250.jpg"]
    assert 0 < found["figures"]["overall"]["AP"] < 1
    vans = [each for each in found["corrections"]["by_class"] if each["name"] == "van"]
    assert [each["relabelled_to"] for each in vans] == [work["relabelled"]]
    assert [each["added"] for each in vans] == [1]


def test_a_run_against_itself_needed_nothing(pretag: Pretag, run_folder: Path) -> None:
    truth = run_folder / "annotations" / "instances_default.json"
    done = pretag("evaluate", "--run", run_folder, "--truth", truth, "--json")
    found = json.loads(done.out)
    overall = found["corrections"]["overall"]
    assert overall["kept"] == overall["pre"] == overall["truth"] > 0
    assert overall["kept_share"] == found["figures"]["overall"]["AP"] == 1.0
    assert found["images"] == {
        "compared": 6, "untouched": 6, "only_in_run": [], "only_in_truth": [],
    }  # fmt: skip


def test_predictions_of_a_run_are_all_right_to_its_own_file(
    pretag: Pretag, run_folder: Path
) -> None:
    truth = run_folder / "annotations" / "instances_default.json"
    predictions = run_folder / "predictions.json"
    done = pretag("evaluate", "--predictions", predictions, "--truth", truth)
    assert done.code == 0
    assert "AP      1.000" in done.out
    assert "kept" not in done.out


def test_figures_are_written_and_shown(pretag: Pretag, plain: tuple[Path, Path]) -> None:
    truth, predictions = plain
    done = pretag("evaluate", "--truth", truth, "--predictions", predictions, "--out", "x.json")
    assert done.code == 0
    found = json.loads(Path("x.json").read_text())
    # Half of the recall at precision 1: 51 of 101 points.
    assert found["figures"]["overall"]["AP"] == round(51 / 101, 6)
    assert found["figures"]["by_class"] == [
        {
            "name": "person", "AP": round(51 / 101, 6), "AP50": round(51 / 101, 6), "AR100": 0.5,
            "truth": 2, "predictions": 1,
        }
    ]  # fmt: skip
    assert list(found) == ["truth", "predictions", "images", "figures"]
    assert "person  0.505  0.505  0.500      2            1" in done.out
    assert " APl         -  AP of" in done.out


def test_json_on_standard_output_is_the_file(pretag: Pretag, plain: tuple[Path, Path]) -> None:
    truth, predictions = plain
    first = pretag("evaluate", "--truth", truth, "--predictions", predictions, "--json")
    assert first.out == Path("evaluation.json").read_text()
    again = pretag("evaluate", "--truth", truth, "--predictions", predictions, "--json")
    assert again == first


def test_nothing_predicted(pretag: Pretag, plain: tuple[Path, Path], tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.json", [])
    done = pretag("evaluate", "--truth", plain[0], "--predictions", empty, "--json")
    assert done.code == 0
    overall = json.loads(done.out)["figures"]["overall"]
    assert (overall["AP"], overall["APl"]) == (0.0, None)


def test_names_do_nothing_to_the_terminal(pretag: Pretag, tmp_path: Path) -> None:
    file = coco_builders.coco([(1, 1, PLACE)], categories=("[red]\x1b[31mx",))
    truth = write(tmp_path / "truth.json", file)
    predictions = write(tmp_path / "predictions.json", [prediction(1, 1, PLACE, 0.9)])
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
    (heads,) = [row for row in rows if "kept %" in row]
    assert heads.split() == [
        "class", "pre", "kept", "kept", "%", "moved", "relabelled", "deleted", "added", "truth",
    ]  # fmt: skip


TRUTH, FOUND = ("--truth", "truth.json"), ("--predictions", "predictions.json")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (FOUND, 2, "Missing option '--truth'"),
        (TRUTH, 2, "Give either --predictions or --run"),
        ((*TRUTH, *FOUND, "--run", "."), 2, "Give either --predictions or --run"),
        ((*TRUTH, *FOUND, "--tolerance", "2"), 2, "--tolerance is for --run"),
        ((*TRUTH, "--run", ".", "--tolerance", "nan"), 2, "--tolerance nan is no number"),
        ((*TRUTH, "--run", ".", "--tolerance", "-1"), 2, "-1.0 is not in the range x>=0"),
        ((*TRUTH, *FOUND, "--out", "truth.json"), 2, "--out truth.json would change what is eval"),
        ((*TRUTH, "--run", ".", "--out", "x.json"), 2, "--out x.json would change what is evalua"),
        ((*TRUTH, *FOUND, "--out", "no/x.json"), 1, "no/x.json cannot be written: No such file"),
        ((*TRUTH, "--run", "..", "--out", "/x"), 1, ".. is not the folder of a result"),
        ((*TRUTH, "--predictions", "truth.json"), 1, "truth.json cannot be compared: it holds no"),
        (("--truth", "predictions.json", *FOUND), 1, "belongs to --predictions."),
        (("--truth", "none.json", *FOUND), 1, "none.json cannot be read: No such file"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_a_wrong_call_is_one_clear_line(
    pretag: Pretag, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    done = pretag("evaluate", *arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_tolerance_decides_what_is_kept(
    pretag: Pretag, run_folder: Path, tmp_path: Path
) -> None:
    export, work = corrected(run_folder)
    truth = write(tmp_path / "corrected.json", export)
    options = ("--run", run_folder, "--truth", truth, "--json")
    found = json.loads(pretag("evaluate", *options, "--tolerance", "500").out)["corrections"]
    assert found["tolerance_pixels"] == 500.0
    assert found["overall"]["moved"] == 0
    assert found["overall"]["kept"] >= work["kept"] + work["moved"]


def test_other_commands_do_not_wait_for_it() -> None:
    load = "import sys, pipeline.cli.commands"
    late = "{'pycocotools', 'scipy'}"
    finished = subprocess.run(
        [sys.executable, "-c", f"{load}; print(*{late} & set(sys.modules))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert finished.stdout == "\n"
