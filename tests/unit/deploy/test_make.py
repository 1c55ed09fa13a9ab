"""What the recipes of the Makefile give to the tools that deploy."""

import pytest

from tests.support.workflows import COMMANDS_AS_VALUES, Runner


@pytest.fixture
def tools(runner: Runner) -> Runner:
    """Return a runner on which all tools are installed; each notes its arguments."""
    runner.stand_in("note")
    requirements = [f"requirements/{name}.txt" for name in ("deploy", "cli", "dev")]
    for need in (*requirements, "pyproject.toml"):
        (runner.folder / need).parent.mkdir(exist_ok=True)
        (runner.folder / need).touch()
    for ready, python in (("deploy.ready", "deploy/bin/python"), ("cli.ready", "bin/python")):
        tool = runner.folder / (".tools" if "deploy" in ready else ".venv")
        (tool / python).parent.mkdir(parents=True)
        (tool / python).symlink_to(runner.folder / "bin" / "note")
        (tool / ready).touch()
    (runner.folder / ".venv" / "dev.ready").touch()
    (runner.folder / ".tools" / "deploy" / "bin" / "sam").symlink_to(runner.folder / "bin" / "note")
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
        ("load", "TARGET", "-m bench.load --stack {}"),
        ("sweep", "TARGET", "-m bench.sweep --plot build/sweep.svg --stack {}"),
    ],
)
def test_make_takes_a_value_as_text(
    tools: Runner, target: str, name: str, received: str, way: str
) -> None:
    """Make does not expand it, and the shell does not run it."""
    for value in COMMANDS_AS_VALUES:
        values = {"REGISTRY": "example", "TAG": "v1", "PYTHON": "note", name: value}
        tools.variables |= values
        given = "" if way == "variable" else " ".join(f'{key}="${key}"' for key in values)
        tools.run({"run": f"make {target} {given}"})
        logs = [log.read_text().splitlines() for log in tools.folder.glob("*.log")]
        assert received.format(value) in [call for log in logs for call in log]
    assert not (tools.folder / "planted").exists()


def test_a_bootstrap_that_is_not_given_a_value_keeps_the_present_one(tools: Runner) -> None:
    """SAM keeps what it is not given. A default would take the registries away."""
    tools.run({"run": "make bootstrap ENV=dev"})
    prefix = "SUBJECT_PREFIX=repo:example@1/pretag@2"
    tools.run({"run": f"make bootstrap ENV=dev REGISTRIES=yes KMS_KEYS=a,b {prefix}"})
    given = [call.partition(" --parameter-overrides ")[2].split() for call in tools.calls("note")]
    assert given == [
        ["Environment=dev"],
        [
            "Environment=dev",
            "SubjectPrefix=repo:example@1/pretag@2",
            "Registries=yes",
            "KmsKeyArns=a,b",
        ],
    ]


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_the_tools_use_the_region_of_aws_region(tools: Runner, way: str) -> None:
    """Boto3 reads AWS_DEFAULT_REGION only."""
    tools.stand_in("note", "env >environment")
    tools.variables = {"AWS_REGION": "eu-west-1"} if way == "variable" else {}
    tools.run({"run": "make deploy" + (" AWS_REGION=eu-west-1" if way == "argument" else "")})
    environment = (tools.folder / "environment").read_text().splitlines()
    assert "AWS_DEFAULT_REGION=eu-west-1" in environment
