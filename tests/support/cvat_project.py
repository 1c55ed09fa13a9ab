"""COCO files of several videos in one, with names as CVAT and other tools make them."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from tests.support.coco_builders import Json

CLASSES = ("person", "car")
SIZE = {"width": 640, "height": 360}


def video(seed: int, frames: Iterable[int], boxes: int = 5) -> Json:
    """Return the COCO file of a run, with random boxes in each frame."""
    numbers = random.Random(seed)  # noqa: S311 - the same in each test
    images = [
        {"id": id_, "file_name": f"frame_{frame:06d}.jpg", **SIZE}
        for id_, frame in enumerate(frames, start=1)
    ]
    annotations = [
        {
            "id": 0,
            "image_id": image["id"],
            "category_id": numbers.randint(1, len(CLASSES)),
            "bbox": [round(numbers.uniform(5, 300), 2) for _ in range(4)],
        }
        for image in images
        for _ in range(boxes)
    ]
    categories = [{"id": id_, "name": name} for id_, name in enumerate(CLASSES, start=1)]
    return {"images": images, "categories": categories, "annotations": annotations}


def cvat_project(*tasks: Json) -> Json:
    """Return the export of a project: task by task, and twins with a number behind the name.

    CVAT numbers a name by how many tasks before have it (`mangle_image_name` in its
    dataset_manager).
    """
    taken: Counter[str] = Counter()
    names: list[list[str]] = []
    for task in tasks:
        names.append([])
        for image in task["images"]:
            path = PurePosixPath(image["file_name"])
            number = f"_{taken[path.stem]}" if taken[path.stem] else ""
            names[-1].append(f"{path.stem}{number}{path.suffix}")
            taken[path.stem] += 1
    return merged(tasks, names)


def merged(files: Sequence[Json], names: Sequence[Sequence[str]]) -> Json:
    """Return one COCO file of several, with new ids and these names of the images."""
    classes = sorted({each["name"] for file in files for each in file["categories"]})
    result: Json = {
        "images": [],
        "categories": [{"id": id_, "name": name} for id_, name in enumerate(classes, start=1)],
        "annotations": [],
    }
    for file, file_names in zip(files, names, strict=True):
        first = len(result["images"]) + 1
        ids = {image["id"]: first + number for number, image in enumerate(file["images"])}
        labels = {each["id"]: each["name"] for each in file["categories"]}
        result["images"] += [
            {**image, "id": ids[image["id"]], "file_name": name}
            for image, name in zip(file["images"], file_names, strict=True)
        ]
        result["annotations"] += [
            {
                **each,
                "image_id": ids[each["image_id"]],
                "category_id": classes.index(labels[each["category_id"]]) + 1,
            }
            for each in file["annotations"]
        ]
    return result
