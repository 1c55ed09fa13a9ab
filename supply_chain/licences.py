"""Compare the licences of packages with those that pretag may ship."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from supply_chain.locks import REQUIREMENTS, canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

POLICY = REQUIREMENTS / "licences.toml"
Component = dict[str, Any]


@dataclass(frozen=True)
class LicencePolicy:
    """Which licences are allowed, and those that packages have without declaring them.

    Attributes:
        allowed: SPDX ids.
        stated: SPDX expression of a package that declares none.
        bundled: SPDX expression of the libraries in a package's wheel, which the package's own
            licence leaves out.
    """

    allowed: frozenset[str]
    stated: dict[str, str]
    bundled: dict[str, str] = field(default_factory=dict)

    def allows(self, expression: str) -> bool:
        """Return whether an SPDX expression, without parentheses, can be met with allowed ids."""
        return any(
            all(part in self.allowed for part in choice.split(" AND "))
            for choice in expression.split(" OR ")
        )


def read_policy(path: Path = POLICY) -> LicencePolicy:
    """Return the policy of a TOML file."""
    tables = tomllib.loads(path.read_text())
    return LicencePolicy(frozenset(tables["allowed"]), tables["stated"], tables["bundled"])


def licence_of(component: Component, policy: LicencePolicy) -> str | None:
    """Return the SPDX expression of a CycloneDX component; None: neither declared nor stated."""
    name = canonical_name(component["name"])
    own = _declared_licence(component) or policy.stated.get(name)
    bundled = policy.bundled.get(name)
    return own if own is None or bundled is None else f"{own} AND {bundled}"


def _declared_licence(component: Component) -> str | None:
    declared = [_spdx(entry) for entry in component.get("licenses", [])]
    ids = [found for found in declared if found is not None]
    return " AND ".join(ids) if ids and len(ids) == len(declared) else None


def _spdx(entry: dict[str, Any]) -> str | None:
    if "expression" in entry:
        return str(entry["expression"])
    identity: str | None = entry["license"].get("id")
    return identity


def licence_problems(components: Iterable[Component], policy: LicencePolicy) -> Iterator[str]:
    """Yield what must be done about the licences of components."""
    components = list(components)
    names = {canonical_name(component["name"]) for component in components}
    undeclared = {
        canonical_name(component["name"])
        for component in components
        if _declared_licence(component) is None
    }
    for component in components:
        name, licence = component["name"], licence_of(component, policy)
        if licence is None:
            yield (
                f"{name} {component['version']} does not declare its licence as an SPDX id. Read "
                f"its licence file, and state the licence in {POLICY.name}."
            )
        elif not policy.allows(licence):
            yield f"{name} {component['version']} has the licence {licence}, which is not allowed."
    for name in sorted((policy.stated.keys() - undeclared) | (policy.bundled.keys() - names)):
        yield f"{POLICY.name} states a licence of {name}, which is not needed. Remove it."
