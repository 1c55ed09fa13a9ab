"""Where values come from, and what a person reads when one is wrong."""

import json

import pytest

from pipeline.config.layers import (
    assignments_layer,
    environment_layer,
    file_layer,
    known_keys,
    merge,
    tree_layer,
)
from pipeline.config.schema import Config
from pipeline.errors import ConfigError

FILES = {
    "c.yaml": "dedupe:\n  max_distance: 7\n",
    "c.yml": "dedupe: {max_distance: 7}",
    "c.toml": "[dedupe]\nmax_distance = 7\n",
    "c.JSON": '{"dedupe": {"max_distance": 7}}',
}


@pytest.mark.parametrize(("name", "text"), FILES.items())
def test_a_file_of_each_kind(name: str, text: str) -> None:
    assert merge(file_layer(name, text)).dedupe.max_distance == 7


@pytest.mark.parametrize("text", ["# nothing yet\n", "dedupe:\n  # max_distance: 3\n"])
def test_an_empty_file_or_section_changes_nothing(text: str) -> None:
    assert merge(file_layer("c.yaml", text)) == Config()


def test_later_layers_win_key_by_key() -> None:
    config = merge(
        file_layer("c.yaml", "sampling: {every_seconds: 9, start_seconds: 3}"),
        environment_layer(
            {"PRETAG_SAMPLING__EVERY_SECONDS": "5", "HOME": "/", "PRETAG_CONFIG": "x"}
        ),
        assignments_layer("--set", ["sampling.every_seconds=0.5"]),
    )
    assert config.sampling.every_seconds == 0.5
    assert config.sampling.start_seconds == 3


@pytest.mark.parametrize(
    ("assignment", "section", "key", "value"),
    [
        ("dedupe.compare_with=null", "dedupe", "compare_with", None),
        ("dedupe.method=none", "dedupe", "method", "none"),
        (
            "detector.classes=person, traffic light",
            "detector",
            "classes",
            ("person", "traffic light"),
        ),
        ("detector.classes=[person, car]", "detector", "classes", ("person", "car")),
        ("detector.score_threshold=1e-3", "detector", "score_threshold", 0.001),
        ("output.images=false", "output", "images", False),
        ("detector.model=a=b.onnx", "detector", "model", "a=b.onnx"),
    ],
)
def test_texts_become_values(assignment: str, section: str, key: str, value: object) -> None:
    assert getattr(getattr(merge(assignments_layer("--set", [assignment])), section), key) == value


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("dedupe.max_distanc=4", ["'dedupe.max_distanc' (from --set)", "'dedupe.max_distance'?"]),
        ("dedup.max_distance=4", ["'dedup.max_distance'", "mean 'dedupe.max_distance'?"]),
        ("zzz=4", ["'zzz'", "the keys are sampling.every_seconds, "]),
        ("dedupe=4", ["'dedupe'", "does not exist"]),
        ("dedupe.max_distance=many", ["'dedupe.max_distance'", "'many'", "integer", "Hamming"]),
        ("sampling.every_seconds=0", ["'sampling.every_seconds'", "or equal to 0.001"]),
        ("segment.seconds=1e308", ["'segment.seconds'", "less than or equal to 31622400"]),
        ("sampling.every_seconds=.inf", ["'sampling.every_seconds'", "finite"]),
        ("dedupe.method=md5", ["'dedupe.method'", "'phash', 'dhash', 'average_hash', 'whash'"]),
        ("dedupe.max_distance=64", ["max_distance (64)", "less than the hash's 64 bits"]),
        ("sampling.end_seconds=[", ["'sampling.end_seconds'", "'['"]),
        ("detector.classes=[]", ["'detector.classes'", "at least 1 item"]),
        ("output.jpeg_quality", ["output.jpeg_quality has no value", "section.key=value"]),
    ],
)  # fmt: skip
def test_a_wrong_assignment_is_told_by_key(assignment: str, says: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        merge(assignments_layer("--set", [assignment]))
    for part in says:
        assert part in str(caught.value)


def test_rules_between_keys() -> None:
    with pytest.raises(
        ConfigError, match=r"'sampling' contradicts.*end_seconds .2. must be greater"
    ):
        merge(tree_layer("the event", {"sampling": {"start_seconds": 5, "end_seconds": 2}}))
    with pytest.raises(ConfigError, match="must be a power of two for whash"):
        merge(tree_layer("the event", {"dedupe": {"method": "whash", "hash_size": 6}}))


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        merge(environment_layer({"PRETAG_DEDUPE__METHOD": "x", "PRETAG_OUTPUT__JPEG_QUALITY": "0"}))
    assert len(str(caught.value).splitlines()) == 2
    assert str(caught.value).count("(from the environment)") == 2


def test_an_unknown_environment_variable_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"'dedupe.max_dist'.*did you mean"):
        merge(environment_layer({"PRETAG_DEDUPE__MAX_DIST": "4"}))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("c.ini", "", "it must be .yaml, .yml, .toml or .json"),
        ("c", "", "ends in no suffix"),
        ("c.yaml", "a: [", "cannot be read as yaml"),
        ("c.toml", "a = ", "cannot be read as toml"),
        ("c.json", "{", "cannot be read as json"),
        ("c.yaml", "- 1", "must hold sections"),
    ],
)
def test_a_file_that_is_none(name: str, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        file_layer(name, text)


def test_all_keys_are_there_and_explained() -> None:
    assert list(known_keys()) == [
        "sampling.every_seconds", "sampling.start_seconds", "sampling.end_seconds",
        "dedupe.method", "dedupe.hash_size", "dedupe.max_distance", "dedupe.compare_with",
        "segment.seconds",
        "detector.model", "detector.score_threshold", "detector.iou_threshold", "detector.classes",
        "detector.tiles", "detector.tile_overlap", "detector.max_megabytes", "detector.providers",
        "limits.megapixels", "limits.hours", "limits.streams", "limits.stalled_seconds",
        "output.images", "output.jpeg_quality",
    ]  # fmt: skip
    assert all(known_keys().values())


def test_the_digest_is_of_the_effective_values() -> None:
    same = merge(tree_layer("x", json.loads('{"dedupe": {"max_distance": 4}}')))
    assert same.digest() == Config().digest()
    assert merge(assignments_layer("--set", ["dedupe.max_distance=5"])).digest() != same.digest()
