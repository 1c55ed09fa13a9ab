"""The base image of the Dockerfile, and the digest that pins it.

A tag such as python:3.13 is moved to new images. A digest names one image for ever. It is read from
the registry by `pin`, and `check` refuses a release without one.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supply_chain.image import docker
from supply_chain.locks import ROOT
from supply_chain.problems import SupplyChainError, report

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = ROOT / "Dockerfile"
_ARGUMENT = re.compile(r"^ARG BASE_IMAGE=(?P<reference>.*)$", re.MULTILINE)
_REFERENCE = re.compile(
    r"(?P<tagged>public\.ecr\.aws/lambda/python:3\.\d+)(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class BaseImage:
    """The name and tag of the base image, and the digest that pins it."""

    tagged: str
    digest: str | None

    def __str__(self) -> str:
        return self.tagged if self.digest is None else f"{self.tagged}@{self.digest}"


def read_base_image(dockerfile: str) -> BaseImage:
    """Return the base image that the text of a Dockerfile names.

    Raises:
        SupplyChainError: it is not AWS's image for Python, or its digest is malformed.
    """
    arguments = _ARGUMENT.findall(dockerfile)
    found = _REFERENCE.fullmatch(arguments[0]) if len(arguments) == 1 else None
    if found is None:
        raise SupplyChainError(
            "The Dockerfile must have one line `ARG BASE_IMAGE=public.ecr.aws/lambda/python:3.X`, "
            f"with or without @sha256: and 64 hex digits. It has: {arguments}"
        )
    return BaseImage(found["tagged"], found["digest"])


def with_digest(dockerfile: str, digest: str) -> str:
    """Return the text of a Dockerfile with its base image pinned to a digest.

    Raises:
        SupplyChainError: the digest is malformed, or the Dockerfile is.
    """
    if not _DIGEST.fullmatch(digest):
        raise SupplyChainError(f"The registry's answer is not a digest: {digest!r}")
    pinned = BaseImage(read_base_image(dockerfile).tagged, digest)
    return _ARGUMENT.sub(f"ARG BASE_IMAGE={pinned}", dockerfile)


def digest_in_registry(tagged: str) -> str:
    """Ask the registry for the digest of a tag: that of the list of images of all architectures.

    Raises:
        SupplyChainError: there is no Docker with buildx, or the registry does not answer.
    """
    answer = docker("buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", tagged)
    return str(json.loads(answer)["digest"])


def pin(path: Path = DOCKERFILE) -> str:
    """Pin the base image of a Dockerfile to the digest that its tag has now; return the image."""
    text = path.read_text()
    pinned = with_digest(text, digest_in_registry(read_base_image(text).tagged))
    path.write_text(pinned)
    return str(read_base_image(pinned))


def release_problems(dockerfile: str) -> list[str]:
    """Return why no release may be built from a Dockerfile."""
    image = read_base_image(dockerfile)
    if image.digest is not None:
        return []
    return [
        (
            f"The base image {image} has no digest, so two builds of one tag can differ. "
            "Run `make base-digest`, test the image, and commit the Dockerfile."
        )
    ]


def main(arguments: list[str] | None = None) -> int:
    """Pin or check the base image of the project, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.base_image")
    parser.add_argument("action", choices=["pin", "check"])
    try:
        if parser.parse_args(arguments).action == "pin":
            return report([], f"pinned {pin()}")
        text = DOCKERFILE.read_text()
        return report(release_problems(text), f"pinned {read_base_image(text)}")
    except SupplyChainError as error:
        return report([str(error)], "")


if __name__ == "__main__":
    sys.exit(main())
