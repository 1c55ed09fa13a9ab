"""The comparison of a COCO file with the known one."""

import copy
import json
from typing import Any

import pytest

from deploy.functions.check.comparison import differences
from tests.e2e.template import ROOT

KNOWN: dict[str, Any] = json.loads((ROOT / "samples" / "pedestrians.json").read_bytes())


def found() -> dict[str, Any]:
    return copy.deepcopy(KNOWN)


def test_the_known_result_equals_itself_in_any_order() -> None:
    other = found()
    other["annotations"].reverse()
    other["images"].reverse()
    other["info"]["date_created"] = "2026-11-30"
    assert differences(KNOWN, other) == []


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_box_may_differ_by_a_twentieth_of_a_pixel_and_not_by_more(side: int, sign: int) -> None:
    near, far = found(), found()
    for annotation in near["annotations"]:
        annotation["bbox"][side] += sign * 0.05
    assert differences(KNOWN, near) == []
    far["annotations"][7]["bbox"][side] += sign * 0.06
    missing, added = differences(KNOWN, far)
    assert "of the known result is missing" in missing
    assert "is not in the known result" in added


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_score_may_differ_by_a_thousandth_and_not_by_more(sign: int) -> None:
    near, far = found(), found()
    for annotation in near["annotations"]:
        annotation["score"] += sign * 0.001
    assert differences(KNOWN, near) == []
    far["annotations"][-1]["score"] += sign * 0.0011
    assert len(differences(KNOWN, far)) == 2


def test_a_missing_and_an_added_object_are_told_with_their_frame() -> None:
    fewer, more = found(), found()
    removed = fewer["annotations"].pop(3)
    frame = next(i["file_name"] for i in KNOWN["images"] if i["id"] == removed["image_id"])
    (text,) = differences(KNOWN, fewer)
    assert text.startswith(f"{frame}: the object of class {removed['category_id']} with box")
    more["annotations"].append(dict(more["annotations"][3]))
    (text,) = differences(KNOWN, more)
    assert text.endswith("is not in the known result.")


def test_another_class_is_a_difference() -> None:
    other = found()
    other["annotations"][0]["category_id"] += 1
    assert len(differences(KNOWN, other)) == 2
    other = found()
    other["categories"][0]["name"] = "pedestrian"
    assert differences(KNOWN, other) == ["It has other classes than the known result."]


@pytest.mark.parametrize("change", ["missing", "moved", "resized", "empty"])
def test_other_frames_are_a_difference(change: str) -> None:
    other = found()
    if change == "missing":
        del other["images"][5]
        kept = {image["id"] for image in other["images"]}
        other["annotations"] = [a for a in other["annotations"] if a["image_id"] in kept]
    elif change == "moved":
        other["images"][5]["pts_ms"] += 100
    elif change == "resized":
        other["images"][5]["width"] += 1
    else:
        other["images"], other["annotations"] = [], []
    (text,) = differences(KNOWN, other)
    assert text.startswith("It has other frames than the known result:")
