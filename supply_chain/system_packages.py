"""Read the packages of an image's Linux distribution as CycloneDX components."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from supply_chain.problems import SupplyChainError

if TYPE_CHECKING:
    from supply_chain.licences import Component

# Runs in the image, with its shell. The first line of the output names the kind of package.
LIST_PACKAGES = r"""
. /etc/os-release
if command -v rpm >/dev/null; then
  printf 'rpm\t%s\t%s\n' "$ID" "$VERSION_ID"
  rpm --query --all --queryformat '%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{LICENSE}\n'
elif command -v dpkg-query >/dev/null; then
  printf 'deb\t%s\t%s\n' "$ID" "$VERSION_ID"
  dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\t\n'
fi
"""


def system_components(listing: str) -> list[Component]:
    """Return the components of the output of `LIST_PACKAGES`, sorted.

    Raises:
        SupplyChainError: it lists no packages.
    """
    lines = listing.splitlines()
    if len(lines) < 2:  # noqa: PLR2004 - the heading and a package
        raise SupplyChainError(
            "The packages of the image's distribution cannot be listed: it has neither rpm nor "
            "dpkg-query. Without them the list of contents is not complete."
        )
    kind, distribution, release = lines[0].split("\t")
    return [
        _component(kind, distribution, release, *line.split("\t"))
        for line in sorted(set(lines[1:]))
    ]


def _component(  # noqa: PLR0913, PLR0917 - the fields of one line
    kind: str, distribution: str, release: str, name: str, version: str, arch: str, licence: str
) -> Component:
    purl = (
        f"pkg:{kind}/{distribution}/{quote(name, safe='')}@{quote(version, safe='')}"
        f"?arch={arch}&distro={distribution}-{release}"
    )
    licences = {"licenses": [{"license": {"name": licence}}]} if licence else {}
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        **licences,
    }
