"""The deployment of an image to an environment, up to the call of SAM."""

from pathlib import Path

import boto3
import pytest
import yaml
from botocore.stub import Stubber

from deploy import to
from deploy.to import DeployError, check_image, parameters, sam_arguments
from tests.support.cloudformation import DEFAULTS, TEMPLATE

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pretag@sha256:" + "0123456789abcdef" * 4
OUTPUTS = {
    "Artifacts": "artifacts",
    "StackRole": "arn:aws:iam::123456789012:role/pretag-stack-dev",
    "Boundary": "arn:aws:iam::123456789012:policy/boundary",
}


@pytest.mark.parametrize("environment", to.ENVIRONMENTS)
def test_an_image_with_a_digest_can_be_deployed(environment: str) -> None:
    check_image(environment, IMAGE)


@pytest.mark.parametrize("image", ["pretag:dev", IMAGE.replace("@sha256", ":v1"), IMAGE[:-1]])
def test_an_image_without_a_whole_digest_is_refused(image: str) -> None:
    with pytest.raises(DeployError, match="does not name an image by its digest"):
        check_image("dev", image)


def test_only_dev_gets_an_image_of_the_working_folder() -> None:
    check_image("dev", None)
    for environment in ("staging", "prod"):
        with pytest.raises(DeployError, match=f"{environment} gets only an image that dev had"):
            check_image(environment, None)


@pytest.mark.parametrize("environment", to.ENVIRONMENTS)
def test_all_parameters_are_given_so_that_a_removed_one_goes_back_to_its_default(
    environment: str,
) -> None:
    given = parameters(environment, IMAGE, OUTPUTS)
    assert given.keys() == TEMPLATE["Parameters"].keys()
    own = yaml.safe_load((to.PARAMETERS / f"{environment}.yaml").read_text())
    made = {"ImageUri": IMAGE, "PermissionsBoundary": OUTPUTS["Boundary"]}
    expected = {**DEFAULTS, **own, **made}
    assert given == {name: str(value) for name, value in expected.items()}


def test_events_move_to_a_new_version_at_once_in_dev_and_after_a_check_elsewhere() -> None:
    shifts = {name: parameters(name, IMAGE, OUTPUTS)["TrafficShift"] for name in to.ENVIRONMENTS}
    assert shifts == {
        "dev": "off",
        "staging": "AllAtOnce",
        "prod": "Canary10Percent5Minutes",
    }


def test_a_parameter_that_the_template_does_not_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to, "ROOT", tmp_path)
    monkeypatch.setattr(to, "PARAMETERS", tmp_path)
    (tmp_path / "dev.yaml").write_text("MemoryMegabyte: 1024\n")
    with pytest.raises(DeployError, match=r"dev\.yaml names MemoryMegabyte"):
        parameters("dev", IMAGE, OUTPUTS)


def test_an_environment_without_parameters_of_its_own_has_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to, "PARAMETERS", tmp_path)
    (tmp_path / "dev.yaml").write_text("# none\n")
    assert parameters("dev", IMAGE, OUTPUTS)["TrafficShift"] == DEFAULTS["TrafficShift"]


def test_sam_deploys_with_the_role_and_the_bucket_of_the_bootstrap_and_asks_nobody() -> None:
    arguments = sam_arguments("staging", Path("/p/parameters.yaml"), IMAGE, OUTPUTS)
    text = " ".join(arguments)
    assert "--config-env staging" in text
    assert f"--role-arn {OUTPUTS['StackRole']}" in text
    assert "--s3-bucket artifacts" in text
    assert "--no-confirm-changeset" in arguments
    assert text.endswith("--parameter-overrides file:///p/parameters.yaml")


def test_without_a_bootstrap_stack_the_error_says_how_to_make_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = boto3.client("cloudformation", region_name="eu-central-1")
    monkeypatch.setattr(boto3, "client", lambda _service: client)
    with Stubber(client) as stubber:
        stubber.add_client_error("describe_stacks", "ValidationError", "it does not exist")
        with pytest.raises(DeployError, match="make bootstrap ENV=prod"):
            to.bootstrap_outputs("prod")


def test_without_a_registry_the_error_says_how_to_make_it() -> None:
    with pytest.raises(DeployError, match="REGISTRIES=yes"):
        to.build_and_push(None)


def test_nothing_is_asked_of_aws_for_a_wrong_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert to.main(["prod", "pretag:latest"]) == 1
    assert "A tag can be moved to another image." in capsys.readouterr().err
