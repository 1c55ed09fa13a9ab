"""Read and merge the layers of the configuration: defaults < file < environment < caller.

The caller's layer is `--set` or the `config` of an event. pydantic-settings reads the same sources,
but ignores unknown environment variables:
https://docs.pydantic.dev/latest/concepts/pydantic_settings/. Here a mistyped
`PRETAG_DEDUPE__MAX_DISTANC` is an error, so this module merges the layers and checks them once.
"""

from __future__ import annotations

import json
import reprlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from pipeline.config.schema import Config
from pipeline.config.unknown_keys import unknown_key_sentence
from pipeline.errors import ConfigError
from pipeline.text import path_text
from pipeline.uris import uri_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails

PREFIX = "PRETAG_"
# Holds the path of the config file. It is not a config key.
FILE_VARIABLE = "PRETAG_CONFIG"
_MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Layer:
    """Config values from one source.

    Attributes:
        origin: name of the source, for error messages.
        values: values by dotted key, such as `dedupe.method`.
    """

    origin: str
    values: Mapping[str, Any]


def file_layer(name: str, text: str) -> Layer:
    """Read the text of a YAML, TOML or JSON file. The suffix of its name decides the format.

    Raises:
        ConfigError: the suffix is unknown, or the text is not a mapping in that format.
    """
    suffix = PurePath(name).suffix.lower()
    try:
        match suffix:
            case ".yaml" | ".yml":
                tree = _parse_yaml(text)
            case ".toml":
                tree = tomllib.loads(text)
            case ".json":
                tree = json.loads(text)
            case _:
                raise ConfigError(
                    f"Config file {name} has {f'the suffix {suffix}' if suffix else 'no suffix'}: "
                    "it must be .yaml, .yml, .toml or .json."
                )
    except ValueError as error:
        detail = " ".join(str(error).split())
        raise ConfigError(f"Config file {name} cannot be read as {suffix[1:]}: {detail}") from error
    if not isinstance(tree, dict | None):
        raise ConfigError(
            f"Config file {name} must be a mapping of sections, such as `sampling:`. "
            "`pretag config` prints an example."
        )
    return tree_layer(name, tree or {})


def read_file_layer(file: Path) -> Layer:
    """Read the file at a path as a layer.

    Raises:
        ConfigError: the path is a URI, the file cannot be read, or its text cannot be parsed.
    """
    sentence = uri_sentence(file)
    if sentence is not None:
        raise ConfigError(f"Config file {sentence}")
    try:
        text = file.read_text(encoding="utf-8-sig")  # editors on Windows write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"Config file {path_text(file)} cannot be read: {reason}. Check the path."
        ) from error
    return file_layer(path_text(file), text)


def tree_layer(origin: str, tree: Mapping[str, Any]) -> Layer:
    """Return a layer from nested mappings, such as a parsed file or the `config` of an event."""
    return Layer(origin, dict(_flatten(tree)))


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Read variables such as `PRETAG_SECTION__KEY=value`. The values are parsed as YAML."""
    values = {
        name.removeprefix(PREFIX).lower().replace("__", "."): _parse_value(text)
        for name, text in environ.items()
        if name.startswith(PREFIX) and name != FILE_VARIABLE
    }
    return Layer("the environment", values)


def assignments_layer(origin: str, assignments: Iterable[str]) -> Layer:
    """Read texts such as `section.key=value`, from `--set`. The values are parsed as YAML.

    Raises:
        ConfigError: a text has no `=`.
    """
    values = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(
                f"{origin} {assignment} has no value. Write {origin} section.key=value."
            )
        values[key.strip()] = _parse_value(text)
    return Layer(origin, values)


def merge(*layers: Layer) -> Config:
    """Return the effective configuration. Values of later layers replace those of earlier ones.

    Raises:
        ConfigError: a key or a value is wrong. The message has a line for each problem, at most
            10, with the key, its source, and the allowed values.
    """
    origins: dict[str, str] = {}
    tree: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.values.items():
            section, _, name = key.partition(".")
            if section not in Config.model_fields or not name:
                raise ConfigError(_unknown_key(key, layer.origin, value))
            tree.setdefault(section, {})[name] = value
            origins[key] = layer.origin
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        details = error.errors(include_url=False)[:_MOST_PROBLEMS]
        # Without the cause, whose text has all problems, however many.
        raise ConfigError("\n".join(_problem(each, origins) for each in details)) from None


def explain_keys() -> dict[str, str]:
    """Return the explanation of each dotted key, in the order of the schema."""
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
        elif inner is not None:  # YAML reads a section with only comments as None
            yield str(section), inner


def _parse_value(text: str) -> Any:  # noqa: ANN401 - any YAML value; pydantic checks it
    try:
        return _parse_yaml(text)
    except ValueError:
        return text


def _parse_yaml(text: str) -> Any:  # noqa: ANN401 - any YAML value; pydantic checks it
    """Parse YAML. Raises ValueError for a syntax error, as json and tomllib do."""
    # A cold start without a config file or variables does not need the package.
    import yaml  # noqa: PLC0415

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _problem(detail: ErrorDetails, origins: Mapping[str, str]) -> str:
    # The index of a list element may follow the key: detector.classes.0.
    key = ".".join(str(part) for part in detail["loc"][:2])
    if detail["type"] == "extra_forbidden":
        return _unknown_key(key, origins[key], detail["input"])
    if "." not in key:  # two keys of a section do not fit together
        return f"Config section '{key}' is wrong: {detail['ctx']['error']}."
    rule = detail["msg"][0].lower() + detail["msg"][1:]
    return (
        f"Config key '{key}' (from {origins[key]}) is {reprlib.repr(detail['input'])}: {rule}. "
        f"{explain_keys()[key]}"
    )


def _unknown_key(key: str, origin: str, value: object) -> str:
    return unknown_key_sentence(key, origin, value, list(explain_keys()))
