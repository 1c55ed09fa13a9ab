"""Layers of the configuration: which value wins, and the error messages for wrong ones."""

import json

import pytest

from pipeline.config.layers import (
    assignments_layer,
    environment_layer,
    explain_keys,
    file_layer,
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
def test_yaml_toml_and_json_files_are_read(name: str, text: str) -> None:
    assert merge(file_layer(name, text)).dedupe.max_distance == 7


@pytest.mark.parametrize("text", ["# only a comment\n", "dedupe:\n  # max_distance: 3\n"])
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
def test_values_of_set_are_parsed_as_yaml(
    assignment: str, section: str, key: str, value: object
) -> None:
    assert getattr(getattr(merge(assignments_layer("--set", [assignment])), section), key) == value


@pytest.mark.parametrize(
    ("assignment", "parts"),
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
def test_a_wrong_assignment_names_its_key_and_the_allowed_values(
    assignment: str, parts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        merge(assignments_layer("--set", [assignment]))
    for part in parts:
        assert part in str(caught.value)


def test_keys_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'sampling' is wrong: end_seconds .2. must be greater"):
        merge(tree_layer("the event", {"sampling": {"start_seconds": 5, "end_seconds": 2}}))
    with pytest.raises(ConfigError, match="must be a power of two for whash"):
        merge(tree_layer("the event", {"dedupe": {"method": "whash", "hash_size": 6}}))


def test_an_error_has_a_line_for_each_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        merge(environment_layer({"PRETAG_DEDUPE__METHOD": "x", "PRETAG_OUTPUT__JPEG_QUALITY": "0"}))
    assert len(str(caught.value).splitlines()) == 2
    assert str(caught.value).count("(from the environment)") == 2


def test_an_unknown_environment_variable_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"'dedupe.max_dist'.*did you mean"):
        merge(environment_layer({"PRETAG_DEDUPE__MAX_DIST": "4"}))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.ini", "", "has the suffix .ini: it must be .yaml, .yml, .toml or .json"),
        ("c", "", "has no suffix: it must be"),
        ("c.yaml", "a: [", "cannot be read as yaml"),
        ("c.toml", "a = ", "cannot be read as toml"),
        ("c.json", "{", "cannot be read as json"),
        ("c.yaml", "- 1", "must be a mapping of sections"),
    ],
)
def test_a_file_that_is_not_a_config_file_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        file_layer(name, text)


def test_all_keys_are_explained() -> None:
    assert list(explain_keys()) == [
        "sampling.every_seconds", "sampling.start_seconds", "sampling.end_seconds",
        "sampling.pick", "sampling.snap",
        "dedupe.method", "dedupe.hash_size", "dedupe.max_distance", "dedupe.keep_small_changes",
        "dedupe.compare_with",
        "segment.seconds",
        "detector.model", "detector.score_threshold", "detector.iou_threshold", "detector.classes",
        "detector.tiles", "detector.tile_overlap", "detector.max_megabytes", "detector.providers",
        "decoding.backend", "decoding.square_pixels",
        "limits.gigabytes", "limits.megapixels", "limits.hours", "limits.streams",
        "limits.codecs", "limits.stalled_seconds",
        "output.images", "output.archive", "output.jpeg_quality", "output.class_names",
        "output.categories", "output.exports", "drift.baseline",
    ]  # fmt: skip
    assert all(explain_keys().values())


def test_the_digest_depends_on_effective_values_only() -> None:
    same = merge(tree_layer("x", json.loads('{"dedupe": {"max_distance": 4}}')))
    assert same.digest() == Config().digest()
    assert merge(assignments_layer("--set", ["dedupe.max_distance=5"])).digest() != same.digest()
