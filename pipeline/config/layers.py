"""Where configuration comes from: defaults < file < environment < the caller's own.

pydantic-settings would read the same sources, but passes over environment variables that it
does not know: https://docs.pydantic.dev/latest/concepts/pydantic_settings/. Here a mistyped
`PRETAG_DEDUPE__MAX_DISTANC` is an error, so the layers are merged by hand and checked once.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from pipeline.config.schema import Config
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic_core import ErrorDetails

PREFIX = "PRETAG_"
# Names the file of the layer below; it is no key of the configuration itself.
FILE_VARIABLE = "PRETAG_CONFIG"


@dataclass(frozen=True)
class Layer:
    """Config values from one place: dotted keys (`dedupe.method`), and the place's name."""

    origin: str
    values: Mapping[str, Any]


def file_layer(name: str, text: str) -> Layer:
    """Read a YAML, TOML or JSON file's text; the name's suffix says which.

    Raises:
        ConfigError: the suffix is none of them, or the text does not parse to a mapping.
    """
    suffix = PurePath(name).suffix.lower()
    try:
        match suffix:
            case ".yaml" | ".yml":
                tree = _yaml(text)
            case ".toml":
                tree = tomllib.loads(text)
            case ".json":
                tree = json.loads(text)
            case _:
                raise ConfigError(
                    f"Config file {name} ends in {suffix or 'no suffix'}: "
                    "it must be .yaml, .yml, .toml or .json."
                )
    except ValueError as error:
        detail = " ".join(str(error).split())
        raise ConfigError(f"Config file {name} cannot be read as {suffix[1:]}: {detail}") from error
    if not isinstance(tree, dict | None):
        raise ConfigError(f"Config file {name} must hold sections such as `sampling:` at its top.")
    return tree_layer(name, tree or {})


def tree_layer(origin: str, tree: Mapping[str, Any]) -> Layer:
    """Read nested mappings, as from a file or an event's `config`."""
    return Layer(origin, dict(_flatten(tree)))


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Read `PRETAG_SECTION__KEY=value` variables; values are read as YAML scalars."""
    values = {
        name.removeprefix(PREFIX).lower().replace("__", "."): _scalar(text)
        for name, text in environ.items()
        if name.startswith(PREFIX) and name != FILE_VARIABLE
    }
    return Layer("the environment", values)


def assignments_layer(origin: str, assignments: Iterable[str]) -> Layer:
    """Read `section.key=value` texts, as from `--set`; values are read as YAML scalars.

    Raises:
        ConfigError: a text has no `=`.
    """
    values = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(
                f"{origin} {assignment} has no value: write {origin} section.key=value."
            )
        values[key.strip()] = _scalar(text)
    return Layer(origin, values)


def merge(*layers: Layer) -> Config:
    """Merge layers, later ones over earlier ones, into the effective configuration.

    Raises:
        ConfigError: names each wrong key, where it came from, and what would be right.
    """
    origins: dict[str, str] = {}
    tree: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.values.items():
            section, _, name = key.partition(".")
            if section not in Config.model_fields or not name:
                raise ConfigError(_unknown_key(key, layer.origin))
            tree.setdefault(section, {})[name] = value
            origins[key] = layer.origin
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigError("\n".join(_sentence(each, origins) for each in details)) from error


def known_keys() -> dict[str, str]:
    """Return each dotted key with its explanation, in the order of the model."""
    return {
        f"{section}.{name}": field.description or ""
        for section, outer in Config.model_fields.items()
        if isinstance(outer.annotation, type) and issubclass(outer.annotation, BaseModel)
        for name, field in outer.annotation.model_fields.items()
    }


def _flatten(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, inner in tree.items():
        if isinstance(inner, Mapping):
            yield from ((f"{section}.{name}", value) for name, value in inner.items())
        elif inner is not None:  # a section whose keys are all commented out is None
            yield str(section), inner


def _scalar(text: str) -> Any:  # noqa: ANN401 - whatever YAML makes of it; pydantic judges
    try:
        return _yaml(text)
    except ValueError:
        return text


def _yaml(text: str) -> Any:  # noqa: ANN401 - same
    """Parse YAML; ValueError, as json and tomllib have it, if it is none."""
    # A cold start without a file or variables to read need not wait for it.
    import yaml  # noqa: PLC0415

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _sentence(detail: ErrorDetails, origins: Mapping[str, str]) -> str:
    # A list's own index may follow the key: detector.classes.0.
    key = ".".join(str(part) for part in detail["loc"][:2])
    if detail["type"] == "extra_forbidden":
        return _unknown_key(key, origins[key])
    if "." not in key:  # a rule between the keys of one section
        problem = str(detail["ctx"]["error"])
        return f"Config section '{key}' contradicts itself: {problem}."
    problem = detail["msg"][0].lower() + detail["msg"][1:]
    return (
        f"Config key '{key}' (from {origins[key]}) is {detail['input']!r}: {problem}. "
        f"{known_keys()[key]}"
    )


def _unknown_key(key: str, origin: str) -> str:
    keys = list(known_keys())
    close = difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    hint = f"did you mean '{close[0]}'?" if close else f"the keys are {', '.join(keys)}."
    return f"Config key '{key}' (from {origin}) does not exist: {hint}"
