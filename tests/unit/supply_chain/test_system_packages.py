"""Packages of an image's Linux distribution."""

import pytest

from supply_chain.problems import SupplyChainError
from supply_chain.system_packages import system_components

DEBIAN = "deb\tdebian\t13\nlibc6\t2.41-12\tamd64\t\nlibstdc++6\t14.2.0-19\tamd64\t\n"
AMAZON = (
    "rpm\tamzn\t2023\nglibc\t2.34-231.amzn2023\tx86_64\tLGPL-2.1-or-later AND GPL-2.0-or-later\n"
)


def test_debian_packages_have_package_urls() -> None:
    assert [component["purl"] for component in system_components(DEBIAN)] == [
        "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13",
        "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13",
    ]


def test_amazon_linux_packages_have_their_licence() -> None:
    (glibc,) = system_components(AMAZON)
    assert glibc["purl"] == ("pkg:rpm/amzn/glibc@2.34-231.amzn2023?arch=x86_64&distro=amzn-2023")
    assert glibc["licenses"] == [{"license": {"name": "LGPL-2.1-or-later AND GPL-2.0-or-later"}}]


@pytest.mark.parametrize("listing", ["", "rpm\tamzn\t2023\n"])
def test_an_image_whose_packages_cannot_be_listed_is_an_error(listing: str) -> None:
    with pytest.raises(SupplyChainError, match="cannot be listed"):
        system_components(listing)
