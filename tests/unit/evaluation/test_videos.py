"""Frames of one video are never compared with those of another one that have the same names."""

from itertools import permutations

import pytest

from pipeline.errors import InputFileError
from pipeline.evaluation.comparison import Comparison, compare_by_names
from pipeline.evaluation.corrections import count_corrections
from pipeline.evaluation.frame_names import frame_name
from pipeline.evaluation.run_names import UNKNOWN, RunNames
from tests.support import coco_builders
from tests.support.coco_builders import Json
from tests.support.cvat_project import cvat_project, merged, video

RUN_ID = "f5f8366f01234567"
STREET = RunNames("street.mp4", RUN_ID)
LONG = video(seed=1, frames=range(0, 520, 10))  # 52 frames
SHORT = video(seed=2, frames=(0, 10, 30, 35, 40))
SHORTER = video(seed=3, frames=(0, 30, 40))


def compare(run: Json, truth: Json, names: RunNames = UNKNOWN) -> Comparison:
    return compare_by_names(coco_builders.parse_run(run), coco_builders.parse_truth(truth), names)


def assert_untouched(compared: Comparison, run: Json) -> None:
    corrections = count_corrections(compared)
    assert compared.image_count == corrections.untouched_images == len(run["images"])
    assert corrections.overall.kept == corrections.overall.pre == len(run["annotations"])
    assert corrections.overall.truth == corrections.overall.kept
    assert (compared.only_in_run, compared.only_in_truth) == ((), ())


@pytest.mark.parametrize(
    "tasks", list(permutations([LONG, SHORT])), ids=("long first", "short first")
)
@pytest.mark.parametrize("run", [LONG, SHORT], ids=("long", "short"))
def test_untouched_labels_of_two_videos_in_one_cvat_project_are_all_kept(
    tasks: tuple[Json, ...], run: Json
) -> None:
    compared = compare(run, cvat_project(*tasks))
    assert_untouched(compared, run)
    assert compared.told_by == "boxes"
    others = len(LONG["images"]) + len(SHORT["images"]) - len(run["images"])
    assert len(compared.of_other_videos) == others


@pytest.mark.parametrize("tasks", list(permutations([LONG, SHORT, SHORTER])))
@pytest.mark.parametrize("run", [LONG, SHORT, SHORTER], ids=("long", "short", "shorter"))
def test_each_of_three_videos_is_found_in_any_order(tasks: tuple[Json, ...], run: Json) -> None:
    assert_untouched(compare(run, cvat_project(*tasks)), run)


def test_videos_with_the_same_frames_are_told_by_boxes_that_nobody_changed() -> None:
    one, other = video(seed=4, frames=(0, 25, 50)), video(seed=5, frames=(0, 25, 50))
    corrected = {**other, "annotations": other["annotations"][:4]}
    compared = compare(other, cvat_project(one, corrected))
    corrections = count_corrections(compared).overall
    assert (corrections.kept, corrections.deleted, corrections.added) == (4, 11, 0)
    assert [each.file_name for each in compared.of_other_videos] == [
        "frame_000000.jpg", "frame_000025.jpg", "frame_000050.jpg",
    ]  # fmt: skip


def test_videos_without_an_unchanged_box_are_told_by_their_frames() -> None:
    redrawn_long, redrawn_short = video(6, range(0, 520, 10)), video(7, (0, 10, 30, 35, 40))
    compared = compare(SHORT, cvat_project(redrawn_long, redrawn_short))
    assert (compared.told_by, compared.image_count) == ("frames", 5)
    assert count_corrections(compared).overall.truth == 25
    # All frames of the long video but one: nothing but the other video's frame 35 tells.
    compared = compare(LONG, cvat_project(redrawn_short, redrawn_long))
    assert (compared.told_by, compared.image_count) == ("frames", 52)


@pytest.mark.parametrize(
    "truth",
    [
        cvat_project(video(8, (0, 25, 50)), video(9, (0, 25, 50))),
        merged([SHORT, SHORTER], [["frame_000000.jpg"] * 5, ["frame_000000.jpg"] * 3]),
    ],
    ids=("the same frames, and no box of the run", "one name"),
)
def test_a_truth_of_several_videos_that_nothing_tells_apart_is_refused(truth: Json) -> None:
    with pytest.raises(InputFileError, match="in CVAT, the dataset of its task and not of the p"):
        compare(video(4, (0, 25, 50)), truth)


def test_an_export_that_is_sorted_by_name_is_refused() -> None:
    project = cvat_project(SHORT, SHORTER)
    project["images"].sort(key=lambda image: image["file_name"])
    with pytest.raises(
        InputFileError, match=r'such as "frame_000000\.jpg" and "frame_000000_1\.jpg", and nothing'
    ):
        compare(SHORT, project)


def with_places(*places: str) -> Json:
    """Return a truth of the short videos, with these texts before the names of their frames."""
    files = [SHORT, SHORTER]
    names = [
        [f"{place}{image['file_name']}" for image in file["images"]]
        for place, file in zip(places, files, strict=True)
    ]
    return merged(files, names)


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        ("street.mp4/", "park.mp4/"),
        ("Street/images/default/", "park/images/default/"),
        ("data\\street\\", "data\\park\\"),
        ("street-f5f8366f-", "park-01234567-"),
        ("street-f5f8366f-", "street-0a234567-"),
        ("images/street-f5f8366f/cb0618f6-street-f5f8366f-", "images/park-01234567/park-01234567-"),
        ("street.mp4/f5f8366f01234567/", "park.mp4/a5f8366f01234567/"),
        ("", "park.mp4/"),
    ],
)
def test_a_video_is_told_by_names_whatever_its_boxes(mine: str, others: str) -> None:
    redrawn = video(7, (0, 10, 30, 35, 40))
    compared = compare(redrawn, with_places(mine, others), STREET)
    assert (compared.told_by, compared.image_count) == ("names", 5)
    assert len(compared.of_other_videos) == 3


def test_a_newer_run_of_the_video_is_told_by_the_video() -> None:
    truth = with_places("street-01234567-", "park-76543210-")
    compared = compare(SHORT, truth, STREET)
    assert (compared.told_by, compared.image_count) == ("names", 5)


@pytest.mark.parametrize(
    ("place", "name"), [("park.mp4/", "park.mp4"), ("park-0a234567-", "park-0a234567")]
)
def test_a_truth_that_names_another_video_is_refused(place: str, name: str) -> None:
    names = [[f"{place}{image['file_name']}" for image in SHORT["images"]]]
    with pytest.raises(InputFileError, match=f'is of "{name}", and the run is of street.mp4'):
        compare(SHORT, merged([SHORT], names), STREET)


def test_a_date_is_no_name_of_another_video() -> None:
    names = [[f"batch-20261130-{image['file_name']}" for image in SHORT["images"]]]
    assert_untouched(compare(SHORT, merged([SHORT], names), STREET), SHORT)


def test_one_video_in_several_folders_is_one_video() -> None:
    frames = [image["file_name"] for image in SHORT["images"]]
    names = [[f"{'train' if number % 2 else 'val'}/{name}" for number, name in enumerate(frames)]]
    compared = compare(SHORT, merged([SHORT], names), STREET)
    assert_untouched(compared, SHORT)
    assert compared.told_by == "only_video"


def test_one_video_in_any_order_is_one_video() -> None:
    shuffled = {**SHORT, "images": [SHORT["images"][number] for number in (3, 0, 4, 2, 1)]}
    assert_untouched(compare(SHORT, shuffled), SHORT)


def test_deleted_frames_do_not_mix_up_videos() -> None:
    left = {
        "images": SHORT["images"][2:],
        "categories": SHORT["categories"],
        "annotations": [each for each in SHORT["annotations"] if each["image_id"] > 2],
    }
    compared = compare(SHORT, cvat_project(LONG, left))
    assert count_corrections(compared).overall.kept == 15
    assert [each.file_name for each in compared.only_in_run] == [
        "frame_000000.jpg", "frame_000010.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file_name", "frame"),
    [
        ("frame_000010.jpg", "frame_000010"),
        ("frame_000010_12.PNG", "frame_000010"),
        ("a\\b/cb0618f6-street-f5f8366f-frame_1000000.jpg", "frame_1000000"),
        ("frame_10.jpg", ""),
        ("frame_000010_jpg.rf.0123.jpg", ""),
        ("", ""),
    ],
)
def test_the_frame_is_read_from_the_name(file_name: str, frame: str) -> None:
    assert frame_name(file_name) == frame
