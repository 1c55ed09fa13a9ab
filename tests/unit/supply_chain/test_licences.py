"""The licences that the image may have."""

from typing import Any

import pytest

from supply_chain.licences import LicencePolicy, licence_of, licence_problems

POLICY = LicencePolicy(frozenset({"MIT", "BSD-3-Clause"}), {"old-package": "MIT"})
CLASSIFIER = {"license": {"name": "License :: OSI Approved :: BSD License"}}


def component(*licences: dict[str, Any], name: str = "a") -> dict[str, Any]:
    return {"name": name, "version": "1.0", "licenses": list(licences)}


@pytest.mark.parametrize(
    ("expression", "is_allowed"),
    [
        ("MIT", True),
        ("MIT AND BSD-3-Clause", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only OR MIT AND LGPL-2.1-only", False),
        ("(MIT)", False),  # parentheses are refused, so a person looks at it
        ("", False),
    ],
)
def test_an_expression_is_allowed_if_one_choice_has_only_allowed_licences(
    expression: str, *, is_allowed: bool
) -> None:
    assert POLICY.allows(expression) is is_allowed


def test_several_declared_licences_must_all_be_allowed() -> None:
    both = component({"license": {"id": "MIT"}}, {"license": {"id": "GPL-3.0-only"}})
    assert licence_of(both, POLICY) == "MIT AND GPL-3.0-only"


def test_a_classifier_does_not_say_which_licence_it_is() -> None:
    policy = LicencePolicy(POLICY.allowed, {})
    assert licence_of(component(CLASSIFIER), policy) is None
    (problem,) = licence_problems([component(CLASSIFIER)], policy)
    assert "does not declare its licence" in problem


def test_a_stated_licence_counts_only_where_none_is_declared() -> None:
    assert licence_of(component(CLASSIFIER, name="Old_Package"), POLICY) == "MIT"
    declared = component({"license": {"id": "GPL-3.0-only"}}, name="Old_Package")
    not_allowed, unneeded = licence_problems([declared], POLICY)
    assert "GPL-3.0-only, which is not allowed" in not_allowed
    assert "old-package, which is not needed" in unneeded


def test_the_licences_of_bundled_libraries_count_too() -> None:
    policy = LicencePolicy(POLICY.allowed, {}, {"old-package": "GPL-3.0-only"})
    declared = component({"license": {"id": "MIT"}}, name="Old_Package")
    assert licence_of(declared, policy) == "MIT AND GPL-3.0-only"
    (not_allowed,) = licence_problems([declared], policy)
    assert "MIT AND GPL-3.0-only, which is not allowed" in not_allowed
    (unneeded,) = licence_problems([component({"license": {"id": "MIT"}})], policy)
    assert "old-package, which is not needed" in unneeded


def test_an_expression_is_read_as_it_is() -> None:
    assert (
        licence_of(component({"expression": "MIT OR GPL-3.0-only"}), POLICY)
        == "MIT OR GPL-3.0-only"
    )
