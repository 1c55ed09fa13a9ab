"""The Docker engine, used by its command line. DOCKER_HOST chooses the engine."""

import shutil
import subprocess


def docker(*arguments: str) -> str:
    """Run a docker command, and return its standard output."""
    result = _run(*arguments)
    assert result.returncode == 0, f"docker {arguments[0]}: {result.stderr}"
    return result.stdout.strip()


def containers(label: str) -> list[str]:
    """Return the containers with a label, `name=value`, also those that ended."""
    return docker("ps", "--all", "--quiet", "--filter", f"label={label}").split()


def logs(container: str) -> str:
    """Return the standard output and the standard error of a container."""
    result = _run("logs", container)
    return result.stdout + result.stderr


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
