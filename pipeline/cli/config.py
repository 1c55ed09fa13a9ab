"""`pretag config`: print the default configuration."""

import json

import click

from pipeline.config import layers
from pipeline.config.schema import Config


@click.command("config")
def print_config() -> None:
    """Print a config file with all keys, defaults and explanations."""
    explanations = layers.explain_keys()
    for section, values in Config().model_dump(mode="json").items():
        click.echo(f"{section}:")
        for name, value in values.items():
            click.echo(f"  # {explanations[f'{section}.{name}']}")
            click.echo(f"  {name}: {json.dumps(value)}")  # JSON is valid YAML
