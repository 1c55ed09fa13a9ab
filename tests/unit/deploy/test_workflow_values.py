"""Values that are commands, as inputs and as the tag of a workflow.

Make expands a variable whenever it reads it, and a shell what is not in quotes. So a workflow
checks each value before it has credentials. test_make.py is about the recipes of make.
"""

import pytest

from tests.support.workflows import (
    COMMANDS_AS_VALUES,
    DIGEST,
    IMAGE,
    REGISTRY,
    WORKFLOWS,
    Runner,
    steps_of,
)


def run_until_one_fails(runner: Runner, workflow: str) -> bool:
    """Run the commands of a workflow's first job; tell whether all succeeded."""
    steps = next(iter(WORKFLOWS[workflow]["jobs"].values()))["steps"]
    return all(runner.run(step)[0].returncode == 0 for step in steps if "run" in step)


@pytest.mark.parametrize(
    "image",
    [
        *COMMANDS_AS_VALUES,
        *(IMAGE.replace("/pretag", f"/{text}") for text in COMMANDS_AS_VALUES),
        f"{IMAGE}\ntouch planted",
        f"{IMAGE} --env=x",
        "ghcr.io/example/pretag@" + DIGEST,
        f"{REGISTRY}:v1.2.3",
        "",
    ],
)
def test_nothing_runs_for_an_image_that_is_not_one_of_ecr_by_its_digest(
    runner: Runner, image: str
) -> None:
    runner.values = {"inputs.image": image, "inputs.environment": "prod", "github.token": "token"}
    for command in ("make", "git"):
        runner.stand_in(command)
    assert not run_until_one_fails(runner, "deploy-to")
    assert list(runner.folder.glob("*.log")) == []
    assert not (runner.folder / "planted").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REF", "refs/tags/v1.2.3-rc1"),
        *(("GITHUB_REF", f"refs/tags/{text}") for text in COMMANDS_AS_VALUES),
        *(("inputs.environment", text) for text in [*COMMANDS_AS_VALUES, "production"]),
    ],
)
def test_nothing_is_deployed_from_another_ref_or_to_another_environment(
    runner: Runner, name: str, value: str
) -> None:
    runner.values = {"inputs.image": IMAGE, "inputs.environment": "prod", "github.token": "token"}
    (runner.values if name in runner.values else runner.variables)[name] = value
    assert not run_until_one_fails(runner, "deploy-to")
    assert list(runner.folder.glob("*.log")) == []


@pytest.mark.parametrize(
    ("tag", "registry"),
    [
        *((text, REGISTRY) for text in [*COMMANDS_AS_VALUES, "v1.2", "v1.2.3.4", "v1.2.3\nid"]),
        *(("v1.2.3", text) for text in [*COMMANDS_AS_VALUES, "", REGISTRY.split("/")[0]]),
    ],
)
def test_nothing_runs_for_a_tag_that_is_not_a_version_or_a_registry_that_is_none(
    runner: Runner, tag: str, registry: str
) -> None:
    runner.variables |= {"GITHUB_REF_NAME": tag, "GITHUB_REF": f"refs/tags/{tag}"}
    runner.values = {"vars.REGISTRY": registry}
    runner.stand_in("make")
    assert not run_until_one_fails(runner, "release")
    assert list(runner.folder.glob("*.log")) == []


@pytest.mark.parametrize("workflow", ["deploy-to", "release"])
def test_the_values_are_checked_before_anything_else(workflow: str) -> None:
    first = next(iter(steps_of(WORKFLOWS[workflow])))
    assert first["name"] == "Check the values"
    assert "make" not in first["run"]
