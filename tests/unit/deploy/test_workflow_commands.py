"""The commands of the workflows of .github, run one by one with stand-ins for AWS and GitHub.

test_workflow_values.py gives them values that are commands themselves.
"""

import subprocess

import pytest

from tests.support.workflows import (
    COMMIT,
    DIGEST,
    IMAGE,
    REGISTRY,
    WORKFLOWS,
    Runner,
    filled_in,
    step_named,
    steps_of,
)

COMMANDS = [
    step["run"] for workflow in WORKFLOWS.values() for step in steps_of(workflow) if "run" in step
]


def test_a_tag_that_is_the_version_has_its_section_of_the_changelog_as_text(runner: Runner) -> None:
    result, _ = runner.run(step_named("release", "the tag, the version and the changelog"))
    assert (result.returncode, result.stderr) == (0, "")
    assert (runner.folder / "build" / "release-notes.md").read_text() == "- New.\n"


@pytest.mark.parametrize("tag", ["v1.2.4", "v1.0.0"])
def test_a_tag_that_is_not_the_version_ends_the_release(runner: Runner, tag: str) -> None:
    runner.variables["GITHUB_REF_NAME"] = tag
    result, _ = runner.run(step_named("release", "the tag, the version and the changelog"))
    assert result.returncode != 0
    assert "pipeline/__init__.py says 1.2.3" in result.stderr


def test_the_image_is_pushed_once_and_all_that_follow_name_its_digest(runner: Runner) -> None:
    runner.values = {"vars.REGISTRY": REGISTRY}
    result, outputs = runner.run(step_named("release", "Push the image"))
    assert result.returncode == 0, result.stderr
    assert outputs == {"image": IMAGE, "name": REGISTRY, "digest": DIGEST}
    assert runner.calls("docker") == [
        f"tag pretag:release {REGISTRY}:v1.2.3",
        f"push {REGISTRY}:v1.2.3",
    ]
    values = {f"steps.push.outputs.{name}": value for name, value in outputs.items()}
    for name in ("where the image comes from", "what the image contains"):
        signed = step_named("release", name)["with"]
        assert filled_in(signed["subject-name"], values) == REGISTRY
        assert filled_in(signed["subject-digest"], values) == DIGEST
    release = WORKFLOWS["release"]["jobs"]
    passed = filled_in(release["image"]["outputs"]["image"], values)
    assert passed == IMAGE
    assert (
        filled_in(release["deploy"]["with"]["image"], {"needs.image.outputs.image": passed})
        == IMAGE
    )


def test_a_push_without_a_digest_ends_the_release(runner: Runner) -> None:
    runner.stand_in("docker")
    runner.values = {"vars.REGISTRY": REGISTRY}
    result, outputs = runner.run(step_named("release", "Push the image"))
    assert result.returncode != 0
    assert "did not name the digest" in result.stderr
    assert outputs == {}


def test_docker_logs_in_to_the_host_of_the_registry(runner: Runner) -> None:
    runner.values = {"vars.REGISTRY": REGISTRY}
    result, _ = runner.run(step_named("release", "Log in"))
    assert result.returncode == 0, result.stderr
    assert runner.calls("docker") == [
        f"login --username AWS --password-stdin {REGISTRY.split('/', maxsplit=1)[0]}"
    ]


def test_the_release_has_the_section_the_image_and_the_list_of_contents(runner: Runner) -> None:
    (runner.folder / "release-notes.md").write_text("- New.\n")
    runner.values = {"needs.image.outputs.image": IMAGE, "github.token": "token"}
    result, _ = runner.run(step_named("release", "Publish the release"))
    assert result.returncode == 0, result.stderr
    assert (runner.folder / "release-notes.md").read_text() == f"- New.\n\nImage: `{IMAGE}`\n"
    (call,) = runner.calls("gh")
    assert call.startswith("release create v1.2.3 --repo example/pretag --verify-tag")
    assert call.endswith("--notes-file release-notes.md sbom.json")


def test_an_image_that_the_release_did_not_sign_is_not_deployed(runner: Runner) -> None:
    runner.values = {"inputs.image": IMAGE, "github.token": "token"}
    verify = step_named("deploy-to", "Verify")
    result, _ = runner.run(verify)
    assert result.returncode == 0, result.stderr
    (call,) = runner.calls("gh")
    assert call == (
        f"attestation verify oci://{IMAGE} --repo example/pretag "
        "--signer-workflow example/pretag/.github/workflows/release.yml "
        f"--source-ref refs/tags/v1.2.3 --source-digest {COMMIT} --deny-self-hosted-runners"
    )
    runner.stand_in("gh", "exit 1")
    assert runner.run(verify)[0].returncode != 0
    names = [step.get("name", "") for step in steps_of(WORKFLOWS["deploy-to"])]
    assert names.index(verify["name"]) < names.index("Deploy the image")


def test_the_image_is_deployed_by_its_digest_and_the_stack_is_tested(runner: Runner) -> None:
    runner.stand_in("make")
    runner.values = {"inputs.image": IMAGE, "inputs.environment": "staging"}
    for name in ("Deploy the image", "Test the deployed stack"):
        assert runner.run(step_named("deploy-to", name))[0].returncode == 0
    assert runner.calls("make") == [
        f"deploy ENV=staging IMAGE_URI={IMAGE}",
        "smoke STACK=pretag-staging",
    ]


@pytest.mark.parametrize(
    ("results", "code"),
    [("success success", 0), ("success skipped", 1), ("cancelled success", 1), ("failure", 1)],
)
def test_all_tests_pass_only_if_each_job_succeeded(runner: Runner, results: str, code: int) -> None:
    runner.values = {"join(needs.*.result, ' ')": results}
    assert runner.run(step_named("test", "Fail if a job"))[0].returncode == code


def test_every_command_of_a_workflow_is_valid_shell() -> None:
    for command in COMMANDS:
        subprocess.run(["bash", "-n", "-c", command], check=True)  # noqa: S607 - from PATH
