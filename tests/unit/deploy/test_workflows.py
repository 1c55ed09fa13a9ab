"""What the workflows of .github may do, and in what order.

test_workflow_commands.py runs their commands.
"""

import re
from typing import Any

import pytest

from tests.e2e.template import ROOT
from tests.support.workflows import (
    FOLDER,
    WORKFLOWS,
    steps_of,
)

COMMANDS = [
    step["run"] for workflow in WORKFLOWS.values() for step in steps_of(workflow) if "run" in step
]


def jobs() -> list[Any]:
    return [
        pytest.param(workflow, job, id=f"{name}-{key}")
        for name, workflow in WORKFLOWS.items()
        for key, job in workflow["jobs"].items()
    ]


def test_there_are_the_workflows_that_the_documentation_names() -> None:
    assert set(WORKFLOWS) == {"test", "release", "deploy", "deploy-to"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_permission_of_its_own_and_never_runs_twice_at_once(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    assert WORKFLOWS[name]["concurrency"]["group"]


WRITES = {
    "image": {"id-token", "attestations"},
    "publish": {"contents"},
    "deploy": {"id-token"},
    "dev": {"id-token"},
    "staging": {"id-token"},
    "prod": {"id-token"},
}


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_a_job_has_a_time_limit_and_only_the_permissions_that_it_needs(
    workflow: dict[str, Any], job: dict[str, Any]
) -> None:
    assert "uses" in job or job["timeout-minutes"] <= 120
    (key,) = [key for key, each in workflow["jobs"].items() if each is job]
    writes = {name for name, level in job["permissions"].items() if level == "write"}
    assert writes == WRITES.get(key, set())
    assert set(job["permissions"].values()) <= {"read", "write"}


def test_every_action_is_pinned_to_a_commit_with_its_version_in_a_comment() -> None:
    uses = [
        line.strip()
        for path in FOLDER.glob("*.yml")
        for line in path.read_text().splitlines()
        if re.match(r"\s*(- )?uses: (?!\./)", line)
    ]
    assert len(uses) > 10
    assert [
        line
        for line in uses
        if not re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)
    ] == []
    pins = {line.split("uses: ")[1] for line in uses}
    assert len(pins) == len({pin.split("@")[0] for pin in pins})  # one version of each


def test_no_checkout_keeps_the_token() -> None:
    checkouts = [
        step
        for workflow in WORKFLOWS.values()
        for step in steps_of(workflow)
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert len(checkouts) >= 7
    assert [step for step in checkouts if step.get("with") != {"persist-credentials": False}] == []


def test_no_command_contains_an_expression() -> None:
    """A value could hold a command. Values come in as environment variables, in quotes."""
    assert [command for command in COMMANDS if "${{" in command] == []


def test_workflows_run_the_targets_that_a_person_runs() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {
        name
        for command in COMMANDS
        for line in re.findall(r"\bmake ([^\n)]+)", command)
        for name in re.findall(r"^[a-z0-9 -]+", line)[0].split()
    }
    assert used <= targets
    in_ci = set(
        " ".join(
            re.findall(r"^make ([a-z0-9 -]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
        ).split()
    )
    tested = " ".join(step["run"] for step in steps_of(WORKFLOWS["test"]) if "run" in step)
    assert in_ci == {"lint", "types", "audit", "coverage", "shards", "report-test", "wheel", "e2e"}
    assert [name for name in in_ci if not re.search(rf"\b{name}\b", tested)] == []


def test_one_check_stands_for_all_jobs_that_a_change_must_pass() -> None:
    all_jobs = WORKFLOWS["test"]["jobs"]
    assert set(all_jobs["all"]["needs"]) == set(all_jobs) - {"all", "vulnerabilities"}
    assert all_jobs["all"]["if"] == "always()"


def test_the_fast_tests_run_on_the_pythons_that_the_project_supports() -> None:
    matrix = WORKFLOWS["test"]["jobs"]["fast"]["strategy"]["matrix"]["python"]
    assert matrix == ["3.11", "3.12", "3.13", "3.14"]
    classifiers = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert classifiers == matrix[:-1]  # the next one is tried before it is supported


def test_an_environment_is_deployed_to_after_the_one_before_with_the_same_image() -> None:
    chain = WORKFLOWS["deploy"]["jobs"]
    assert {name: job.get("needs") for name, job in chain.items()} == {
        "dev": None,
        "staging": "dev",
        "prod": "staging",
    }
    for name, job in chain.items():
        assert job["uses"] == "./.github/workflows/deploy-to.yml"
        assert job["with"] == {"environment": name, "image": "${{ inputs.image }}"}
    (job,) = WORKFLOWS["deploy-to"]["jobs"].values()
    assert job["environment"] == "${{ inputs.environment }}"  # its reviewers approve prod
