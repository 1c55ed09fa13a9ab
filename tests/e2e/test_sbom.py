"""The list of contents of the image."""

import json
import subprocess
from pathlib import Path

from tests.e2e import docker, template

PYTHON = template.ROOT / ".tools" / "scan" / "bin" / "python"


def test_the_list_has_python_packages_linux_packages_and_the_id_of_the_image(
    image: str, tmp_path: Path
) -> None:
    out = tmp_path / "sbom.json"
    command = [str(PYTHON), "-m", "supply_chain.sbom", image, str(out)]
    result = subprocess.run(command, cwd=template.ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    contents = json.loads(out.read_text())
    (identity,) = contents["metadata"]["component"]["hashes"]
    inspected = docker.docker("image", "inspect", "--format", "{{.Id}}", image)
    assert f"sha256:{identity['content']}" == inspected
    purls = [component.get("purl", "") for component in contents["components"]]
    assert sum(purl.startswith("pkg:pypi/onnxruntime@") for purl in purls) == 1
    # The stand-in of CI is Debian's; AWS's image has rpm packages.
    assert sum(purl.startswith(("pkg:deb/", "pkg:rpm/amzn")) for purl in purls) > 50
