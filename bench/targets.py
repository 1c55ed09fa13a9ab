"""What `make load` and `make sweep` measure: an image on this machine, or a deployed stack."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator


def require_image(image: str) -> None:
    """Check that an image can be run on this machine, with an emulator of AWS.

    Raises:
        SystemExit: it cannot. The message says what to do.
    """
    # Imported late: a deployed stack needs neither Docker nor the emulator.
    from tests.e2e import docker, emulator  # noqa: PLC0415

    reason = docker.why_unusable()
    if reason is not None:
        raise SystemExit(f"Nothing was measured: {reason}. Start Docker, or name a stack.")
    if not emulator.COMMAND.exists():
        raise SystemExit("Nothing was measured: make .tools/emulator.ready installs the emulator.")
    if not docker.docker("images", "--quiet", image):
        raise SystemExit(f"Nothing was measured: there is no image {image}. make image builds it.")


@contextmanager
def deployed_stack(name: str) -> Iterator[None]:
    """End the program with a sentence if AWS refuses or fails in the block.

    Args:
        name: name of the stack, for messages.

    Raises:
        SystemExit: AWS refuses or fails, or the stack is not one of template.yaml.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(
            f"{error}. Check the name of the stack, the region, the quotas and the permissions of "
            "your credentials: bench/README.md. What was uploaded or published was removed."
        ) from error
    except KeyError as error:
        raise SystemExit(
            f"The stack {name} has no output or parameter {error}, so it was not made from this "
            "template.yaml. Deploy it, or name another stack."
        ) from error
