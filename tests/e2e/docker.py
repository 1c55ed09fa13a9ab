"""The Docker engine, by its command line: whichever one DOCKER_HOST names."""

import shutil
import subprocess


def docker(*arguments: str) -> str:
    """Run a docker command and return its standard output."""
    result = _run(*arguments)
    assert result.returncode == 0, f"docker {arguments[0]}: {result.stderr}"
    return result.stdout.strip()


def logs(container: str) -> str:
    """Return all that a container has printed, on both streams."""
    result = _run("logs", container)
    return result.stdout + result.stderr


def why_not() -> str | None:
    """Return why there is no usable engine here; None if there is one."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    result = _run("version", "--format", "{{.Server.Version}}")
    if result.returncode != 0:
        return f"no Docker engine answers: {result.stderr.strip()}"
    return None


def gateway() -> str:
    """Return the one address that this machine and the containers both know it by."""
    config = "{{(index .IPAM.Config 0).Gateway}}"
    return docker("network", "inspect", "bridge", "--format", config)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S607 - the user's own docker
