"""`pretag config`: the defaults, explained, as a YAML file to start from."""

import json

import click

from pipeline.config import layers
from pipeline.config.schema import Config


@click.command("config")
def print_config() -> None:
    """Print all config keys with their defaults and what they mean, as YAML."""
    explanations = layers.known_keys()
    for section, values in Config().model_dump(mode="json").items():
        click.echo(f"{section}:")
        for name, value in values.items():
            click.echo(f"  # {explanations[f'{section}.{name}']}")
            click.echo(f"  {name}: {json.dumps(value)}")  # JSON is YAML too
