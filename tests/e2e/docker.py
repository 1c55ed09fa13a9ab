"""The Docker engine, used by its command line. DOCKER_HOST chooses the engine."""

import os
import shutil
import subprocess

LABEL = f"pretag-e2e={os.getpid()}"
"""The label of the containers that the tests of this process start."""

_REPORT_SECONDS = 30


def docker(*arguments: str) -> str:
    """Run a docker command, and return its standard output."""
    result = _run(*arguments)
    assert result.returncode == 0, f"docker {arguments[0]}: {result.stderr}"
    return result.stdout.strip()


def containers(label: str) -> list[str]:
    """Return the containers with a label, `name=value`, also those that ended; the newest first."""
    return docker("ps", "--all", "--quiet", "--filter", f"label={label}").split()


def logs(container: str) -> str:
    """Return the standard output and the standard error of a container."""
    result = _run("logs", container)
    return result.stdout + result.stderr


def log_tail(container: str, lines: int) -> str:
    """Return the last lines that a container wrote, in their order and with their times.

    Raises:
        subprocess.TimeoutExpired: Docker does not answer.
    """
    command = ["docker", "logs", "--timestamps", "--tail", str(lines), container]
    result = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_REPORT_SECONDS,
        check=False,
    )
    return result.stdout


def description(container: str) -> str:
    """Return the name of a container, its image and its state, such as `Exited (137)`."""
    arguments = ("--filter", f"id={container}", "--format", "{{.Names}} ({{.Image}}), {{.Status}}")
    return docker("ps", "--all", *arguments)


def why_unusable() -> str | None:
    """Return why Docker cannot be used; None if it can."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    result = _run("version", "--format", "{{.Server.Version}}")
    if result.returncode != 0:
        return f"no Docker engine answers: {result.stderr.strip()}"
    return None


def bridge_address() -> str:
    """Return the address by which both this machine and the containers reach this machine."""
    config = "{{(index .IPAM.Config 0).Gateway}}"
    return docker("network", "inspect", "bridge", "--format", config)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S607 - from PATH
