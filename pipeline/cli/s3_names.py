"""The `s3://` names on a command line."""

from __future__ import annotations

import click


def split_s3_uri(uri: str, form: str, *, needs_key: bool = False) -> tuple[str, str]:
    """Return the bucket and the key (or prefix) of `s3://bucket/key`.

    Args:
        uri: what was given.
        form: the form that it must have, for the message.
        needs_key: whether the key must not be empty.

    Raises:
        click.UsageError: it has another form.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or (needs_key and not key):
        raise click.UsageError(f"{uri!r} must have the form {form}.")
    return bucket, key
