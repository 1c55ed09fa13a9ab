"""The start of the image's containers: the command `pretag`, or a handler as in AWS's images."""

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
SCRIPT = PROJECT / "handler" / "entrypoint"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["pretag", "run", "a b.mp4", "--out", "out"], "python3|-m|pipeline|run|a b.mp4|--out|out"),
        (["pretag"], "python3|-m|pipeline"),
        (["handler.app.lambda_handler"], "/lambda-entrypoint.sh|handler.app.lambda_handler"),
    ],
)
def test_a_container_starts_the_command_or_the_handler(
    tmp_path: Path, arguments: list[str], command: str
) -> None:
    script = tmp_path / "entrypoint"
    script.write_text(SCRIPT.read_text().replace("exec ", "printf '%s|' "))
    shown = subprocess.run(
        ["/bin/sh", script, *arguments], capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith(f"{command}|")


def test_the_image_starts_with_the_script() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["/bin/sh", "/var/task/handler/entrypoint"]' in dockerfile.splitlines()
