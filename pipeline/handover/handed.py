"""What a handover returns, and the names of the servers' secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import BrokenError, ConfigError, InputFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet, ExportVideo


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed over.

    Attributes:
        link: address at which a labeller begins.
        images: number of images that are new on the server.
        objects: number of objects in these.
        known: number of images that were there already, and were left as they are.
    """

    link: str
    images: int
    objects: int
    known: int


class HandOver(Protocol):
    """Hands an export set over to one tool."""

    def __call__(
        self,
        exported: ExportSet,
        read_image: Callable[[ExportImage], bytes],
        url: str,
        project: str,
        environ: Mapping[str, str],
    ) -> Handed:
        """Make what is missing in a project.

        Args:
            exported: the images and their objects, with the classes that the project gets.
            read_image: returns the JPEG of an image.
            url: address of the server.
            project: name of the project; it is made if there is none of this name.
            environ: environment variables, which hold the secret.

        Raises:
            ConfigError: there is no secret.
            InputFileError: the project cannot take the classes.
            BrokenError: the server refuses.
            RetryableError: the server cannot be reached, or failed.
        """


def check_url(url: str) -> None:
    """Check that a person gave the address of a server.

    Raises:
        InputFileError: it has another form.
    """
    if not url.startswith(("http://", "https://")):
        raise InputFileError(f"{url} must be the address of a server: https://host.")


def secret_of(environ: Mapping[str, str], name: str, where: str) -> str:
    """Return the secret in an environment variable, which is on no command line and in no log.

    Raises:
        ConfigError: it is not set.
    """
    value = environ.get(name, "")
    if not value:
        raise ConfigError(f"The variable {name} is not set. Put an access token into it: {where}.")
    return value


def check_count(there: int, expected: int, video: ExportVideo) -> None:
    """Check that a task in CVAT has all objects of a run.

    Raises:
        BrokenError: it has not.
    """
    if there != expected:
        raise BrokenError(
            f"CVAT has {there} of the {expected} objects of {video.stem}. The task was removed: "
            "hand the result over again."
        )
