"""Values that are commands: the inputs and the tag of a workflow, and the variables of make.

Make expands a variable whenever it reads it, and a shell what is not in quotes. So a workflow
checks each value before it has credentials, and the recipes of make take a value as text.
"""

import pytest

from tests.support.workflows import DIGEST, IMAGE, REGISTRY, WORKFLOWS, Runner, steps_of

COMMANDS_AS_VALUES = [
    "$(shell touch planted)x@sha256:0",
    "x;touch planted;#",
    "v1$$(touch planted)",
    "v1$(touch planted)",
    "`touch planted`",
    "'; touch planted; '",
    '"; touch planted; "',
]


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


@pytest.fixture
def tools(runner: Runner) -> Runner:
    """Return a runner on which all tools are installed; each notes its arguments."""
    runner.stand_in("note")
    for need in ("requirements/deploy.txt", "requirements/cli.txt", "pyproject.toml"):
        (runner.folder / need).parent.mkdir(exist_ok=True)
        (runner.folder / need).touch()
    for ready, python in (("deploy.ready", "deploy/bin/python"), ("cli.ready", "bin/python")):
        tool = runner.folder / (".tools" if "deploy" in ready else ".venv")
        (tool / python).parent.mkdir(parents=True)
        (tool / python).symlink_to(runner.folder / "bin" / "note")
        (tool / ready).touch()
    return runner


@pytest.mark.parametrize("way", ["argument", "variable"])
@pytest.mark.parametrize(
    ("target", "name", "received"),
    [
        ("deploy", "IMAGE_URI", "-m deploy.to dev {}"),
        ("deploy", "ENV", "-m deploy.to {}"),
        ("registry-login", "REGISTRY", "login --username AWS --password-stdin {}"),
        ("push", "IMAGE", "tag {} example:v1"),
        ("push", "TAG", "tag pretag:dev example:{}"),
        ("release-notes", "VERSION", "-m deploy.changelog {}"),
        ("smoke", "STACK", "-m deploy.smoke {}"),
    ],
)
def test_make_takes_a_value_as_text(
    tools: Runner, target: str, name: str, received: str, way: str
) -> None:
    """Also where no workflow has checked it."""
    for value in COMMANDS_AS_VALUES:
        values = {"REGISTRY": "example", "TAG": "v1", "PYTHON": "note", name: value}
        tools.variables |= values
        given = "" if way == "variable" else " ".join(f'{key}="${key}"' for key in values)
        tools.run({"run": f"make {target} {given}"})
        logs = [log.read_text().splitlines() for log in tools.folder.glob("*.log")]
        assert received.format(value) in [call for log in logs for call in log]
    assert not (tools.folder / "planted").exists()
