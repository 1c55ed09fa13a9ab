"""Deploy an image to an environment: python -m deploy.to dev|staging|prod [IMAGE].

IMAGE is its name with its digest, as `make push` prints it. Without it, the image is built from the
working folder and pushed to the development registry; only dev takes such an image. Runs in
.tools/deploy. Exit codes: 0 deployed, 1 not deployed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template.yaml"
PARAMETERS = ROOT / "deploy" / "parameters"
ENVIRONMENTS = ("dev", "staging", "prod")
_IMAGE = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


class DeployError(Exception):
    """Nothing was deployed. The message says what, why and what to do."""


def check_image(environment: str, image: str | None) -> None:
    """Check that an image is named by its digest. Only dev may be without an image.

    Raises:
        DeployError: it is not.
    """
    if image is None and environment != "dev":
        raise DeployError(
            f"{environment} gets only an image that dev had: name it with its digest, "
            f"make deploy ENV={environment} IMAGE_URI=<registry>/pretag@sha256:..."
        )
    if image is not None and not _IMAGE.fullmatch(image):
        raise DeployError(
            f"{image} does not name an image by its digest. A tag can be moved to another image. "
            "Use what `make push` or the release prints: <registry>/pretag@sha256:..."
        )


def bootstrap_outputs(environment: str) -> dict[str, str]:
    """Return the outputs of the bootstrap stack of an environment.

    Raises:
        DeployError: there is no such stack, or it cannot be read.
    """
    name = f"pretag-bootstrap-{environment}"
    try:
        (stack,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise DeployError(
            f"The stack {name} cannot be read: {error}. Check the credentials and the region. If "
            f"there is none yet: make bootstrap ENV={environment}"
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def parameters(environment: str, image: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return all parameters of a deployment: the template's defaults, and those of the environment.

    SAM keeps the deployed value of a parameter that it is not given. So all are given: what is
    removed from the environment's file goes back to its default.

    Args:
        environment: whose file in deploy/parameters is read.
        image: the image with its digest.
        outputs: the outputs of the bootstrap stack.

    Raises:
        DeployError: the file names a parameter that the template does not have.
    """
    declared = _read_yaml(TEMPLATE)["Parameters"]
    defaults = {name: each["Default"] for name, each in declared.items() if "Default" in each}
    file = PARAMETERS / f"{environment}.yaml"
    own = _read_yaml(file) or {}
    if unknown := sorted(own.keys() - declared.keys()):
        raise DeployError(
            f"{file.relative_to(ROOT)} names {', '.join(unknown)}, and template.yaml has no such "
            "parameter. Correct the name."
        )
    made = {"ImageUri": image, "PermissionsBoundary": outputs["Boundary"]}
    return {name: str(value) for name, value in {**defaults, **own, **made}.items()}


class _Loader(yaml.SafeLoader):
    """Reads a template; what has a tag of CloudFormation, such as !Ref, becomes None."""


_Loader.add_multi_constructor("!", lambda *_: None)


def _read_yaml(file: Path) -> Any:  # noqa: ANN401 - any YAML
    return yaml.load(file.read_text(), _Loader)  # noqa: S506 - a SafeLoader


def sam_arguments(
    environment: str, file: Path, image: str, outputs: Mapping[str, str]
) -> list[str]:
    """Return the arguments with which SAM deploys the template itself, without building anything.

    Args:
        environment: the section of samconfig.toml.
        file: a YAML file with all parameters.
        image: the image with its digest.
        outputs: the outputs of the bootstrap stack.
    """
    return [
        *("deploy", "--template-file", str(TEMPLATE)),
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", environment),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        *("--s3-bucket", outputs["Artifacts"], "--s3-prefix", f"pretag-{environment}"),
        *("--role-arn", outputs["StackRole"]),
        *("--image-repository", image.partition("@")[0]),  # SAM asks for it, and pushes nothing
        *("--parameter-overrides", f"file://{file}"),
    ]


def build_and_push(registry: str | None) -> str:
    """Build an image of the working folder, push it, and return its name with its digest.

    Raises:
        DeployError: the bootstrap stack made no registry.
    """
    if registry is None:
        raise DeployError(
            "The bootstrap stack of dev has no registry. Name an image with IMAGE_URI, or make the "
            "registries: make bootstrap ENV=dev REGISTRIES=yes"
        )
    tag = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    _make("image", f"IMAGE=pretag:{tag}")
    _make("registry-login", f"REGISTRY={registry}")
    pushed = _make("push", f"IMAGE=pretag:{tag}", f"REGISTRY={registry}", f"TAG={tag}")
    return pushed.splitlines()[-1]


def _make(*arguments: str) -> str:
    command = ["make", "--directory", str(ROOT), *arguments]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - targets of the project
    if result.returncode != 0:
        raise DeployError(f"{' '.join(command)} failed: see above.")
    return result.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.to")
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("image", nargs="?", help="with its digest")
    options = parser.parse_args(arguments)
    try:
        check_image(options.environment, options.image)
        outputs = bootstrap_outputs(options.environment)
        image = options.image or build_and_push(outputs.get("DevelopmentRegistry"))
        given = parameters(options.environment, image, outputs)
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with TemporaryDirectory() as folder:
        file = Path(folder, "parameters.yaml")
        file.write_text(json.dumps(given))
        return _sam(sam_arguments(options.environment, file, image, outputs))


def _sam(arguments: Sequence[str]) -> int:
    """Run the SAM CLI of this environment, and return its exit code."""
    command = [str(Path(sys.executable).with_name("sam")), *arguments]
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - the project's


if __name__ == "__main__":
    sys.exit(main())
