"""What CloudFormation makes of a template with certain parameters, as far as that can be known.

Only what the templates use: parameters, conditions, and the functions Ref, GetAtt, Sub, If and
Join. A reference to a resource stands for itself, such as `<Role.Arn>`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_NO_VALUE = object()
_NAME = re.compile(r"\$\{([^}]+)\}")


class Values:
    """The values of a template for one set of parameters."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, object]) -> None:
        """Take the defaults of a template, with some parameters changed."""
        self._template = template
        defaults = {name: each.get("Default") for name, each in template["Parameters"].items()}
        self._parameters = {**defaults, **parameters}

    def properties(self, resource: str) -> dict[str, Any]:
        """Return the properties of a resource."""
        properties: dict[str, Any] = self.of(self._template["Resources"][resource]["Properties"])
        return properties

    def of(self, tree: Any) -> Any:  # noqa: ANN401 - any part of a template
        """Return a part of a template with its functions replaced by their values."""
        if isinstance(tree, list):
            return [value for each in tree if (value := self.of(each)) is not _NO_VALUE]
        if not isinstance(tree, dict):
            return tree
        if len(tree) == 1:
            ((name, argument),) = tree.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._function(name, argument)
        values = {name: self.of(each) for name, each in tree.items()}
        return {name: value for name, value in values.items() if value is not _NO_VALUE}

    def holds(self, condition: str) -> bool:
        """Tell whether a condition of the template holds."""
        return self._test(self._template["Conditions"][condition])

    def _function(self, name: str, argument: Any) -> Any:  # noqa: ANN401 - any value
        if name == "Ref":
            return self._reference(argument)
        if name == "Fn::GetAtt":
            return f"<{argument if isinstance(argument, str) else '.'.join(argument)}>"
        if name == "Fn::If":
            condition, yes, no = argument
            return self.of(yes if self.holds(condition) else no)
        if name == "Fn::Join":
            separator, parts = argument
            return separator.join(self.of(parts))
        if name == "Fn::Sub":
            text, more = (argument, {}) if isinstance(argument, str) else argument
            return _NAME.sub(
                lambda match: str(
                    self.of(more[match[1]]) if match[1] in more else self._reference(match[1])
                ),
                text,
            )
        raise NotImplementedError(name)

    def _reference(self, name: str) -> Any:  # noqa: ANN401 - any value
        if name == "AWS::NoValue":
            return _NO_VALUE
        return self._parameters.get(name, f"<{name}>")

    def _test(self, tree: Mapping[str, Any]) -> bool:
        ((name, argument),) = tree.items()
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Not":
            return not self._test(argument[0])
        if name == "Fn::And":
            return all(self._test(each) for each in argument)
        assert name == "Fn::Equals", name
        first, second = (self.of(each) for each in argument)
        return str(first) == str(second)


def references(tree: object) -> set[str]:
    """Return the names that Ref, GetAtt and Sub name anywhere in a tree, without attributes."""
    text = json.dumps(tree)
    names = re.findall(r'"Ref": "([^"]+)"|"Fn::GetAtt": \[?"([^".]+)|\$\{([^}."]+)', text)
    return {name for match in names for name in match if name}
