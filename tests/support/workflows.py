"""Read the workflows of .github/workflows, and run their shell commands as GitHub's runners do."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.template import ROOT

DIGEST = "sha256:" + "0123456789abcdef" * 4
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pretag"
IMAGE = f"{REGISTRY}@{DIGEST}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

COMMANDS_AS_VALUES = [
    "$(shell touch planted)x@sha256:0",
    "x;touch planted;#",
    "v1$$(touch planted)",
    "v1$(touch planted)",
    "`touch planted`",
    "'; touch planted; '",
    '"; touch planted; "',
]
"""Values that plant a file if make expands them, or if a shell runs them."""

FOLDER = ROOT / ".github" / "workflows"
_EXPRESSION = re.compile(r"\$\{\{ (?P<name>[^}]+?) \}\}")


class _Loader(yaml.SafeLoader):
    """Reads `on` as text, as GitHub does: YAML 1.1 takes it for a boolean."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))


def read_workflow(name: str) -> dict[str, Any]:
    """Return a workflow, such as `test`, as data."""
    text = (FOLDER / f"{name}.yml").read_text()
    workflow: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    return workflow


WORKFLOWS = {path.stem: read_workflow(path.stem) for path in sorted(FOLDER.glob("*.yml"))}


def steps_of(workflow: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all steps of all jobs of a workflow."""
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


def step_named(workflow: str, text: str) -> dict[str, Any]:
    """Return the one step of a workflow whose name contains a text."""
    (step,) = [step for step in steps_of(WORKFLOWS[workflow]) if text in step.get("name", "")]
    return step


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its expressions replaced. One without a value is a KeyError."""
    return _EXPRESSION.sub(lambda match: values[match["name"]], text)


@dataclass
class Runner:
    """A runner: a working folder, commands that stand in for those of the outside, and a log.

    Attributes:
        folder: the working folder; it is also the home of the stand-ins and of what they note.
        values: what expressions stand for, such as `inputs.image`.
        variables: environment variables of each step, such as GITHUB_REF_NAME.
    """

    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def stand_in(self, command: str, script: str = "") -> None:
        """Let a command note its arguments in a line of `<command>.log`, and then run a script."""
        path = self.folder / "bin" / command
        path.parent.mkdir(exist_ok=True)
        log = self.folder / f"{command}.log"
        path.write_text(f'#!/usr/bin/env bash\necho "$*" >>{log}\n{script}\n')
        path.chmod(0o755)

    def calls(self, command: str) -> list[str]:
        """Return the arguments of all calls of a stand-in."""
        return (self.folder / f"{command}.log").read_text().splitlines()

    def run(
        self, step: Mapping[str, Any]
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
        """Run the commands of a step; return what they printed, and the outputs that they set."""
        output = self.folder / "github-output"
        output.write_text("")
        result = subprocess.run(
            ["bash", "-e", "-c", step["run"]],  # noqa: S607 - from PATH, as a runner does
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.folder),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_REPOSITORY": "example/pretag",
                **self.variables,
                **{
                    name: filled_in(text, self.values) for name, text in step.get("env", {}).items()
                },
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return result, dict(line.split("=", 1) for line in output.read_text().splitlines())
