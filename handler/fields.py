"""Read the fields of an event. What is missing or odd is an error that names the field.

All lengths are bounded, so that an event cannot fill the log.
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from pipeline.errors import BrokenError
from pipeline.text import printable

KEY_BYTES = 1024
"""The longest key that S3 accepts."""

# In a form-encoded key, each byte may take three characters.
_LONGEST_FIELD = 3 * KEY_BYTES
_LONGEST_SHOWN = 100


def shown(value: object) -> str:
    """Return the text of a value for messages: on one line, at most about 100 characters."""
    text = value if isinstance(value, str) else f"a value of type {type(value).__name__}"
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[:_LONGEST_SHOWN]}..."
    return printable(text)


def shown_names(tree: dict[str, object]) -> str:
    """Return the keys of an object for messages: the first few."""
    return shown(", ".join(str(name)[:_LONGEST_SHOWN] for name in list(tree)[:10]) or "none")


def text_at(tree: object, path: str) -> str:
    """Return the text at a dotted path, such as `s3.bucket.name`.

    Raises:
        BrokenError: it is missing, empty, not text, longer than 3,072 characters, or cannot be
            encoded as UTF-8.
    """
    text = optional_text_at(tree, path)
    if text is None:
        raise BrokenError(f"The field {path} is missing or empty. Send the event as S3 sends it.")
    return text


def optional_text_at(tree: object, path: str) -> str | None:
    """Return the text at a dotted path; None if it is missing, null or empty.

    Raises:
        BrokenError: as `text_at`, or a part of the path is not an object.
    """
    value = tree
    for name in path.split("."):
        if not isinstance(value, dict):
            raise BrokenError(
                f"The field {path} cannot be read, because {name} must be in an object and is in "
                f"{shown(value)}. Send the event as S3 sends it."
            )
        value = value.get(name)
        if value is None:
            return None
    if not isinstance(value, str) or len(value) > _LONGEST_FIELD or not is_encodable(value):
        raise BrokenError(
            f"The field {path} is {shown(value)}; it must be text of at most {_LONGEST_FIELD} "
            "characters, without lone surrogates. Send the event as S3 sends it."
        )
    return value or None


def decoded_key(text: str) -> str:
    """Return the key in a notification. Notifications form-encode keys: a space is +, a plus %2B.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html

    Raises:
        BrokenError: it is not a form-encoded key.
    """
    try:
        return checked_key(unquote_plus(text, errors="strict"))
    except UnicodeDecodeError as error:
        raise BrokenError(
            f"The key {shown(text)} is not form-encoded UTF-8. Send the event as S3 sends it."
        ) from error


def checked_key(key: str) -> str:
    """Return the key of an object.

    Raises:
        BrokenError: no object in S3 can have it.
    """
    if not is_encodable(key) or not 0 < len(key.encode()) <= KEY_BYTES:
        raise BrokenError(
            f"The key {shown(key)} cannot be the key of an object: keys in S3 have 1 to "
            f"{KEY_BYTES} bytes of UTF-8. Correct the key."
        )
    return key


def is_encodable(text: str) -> bool:
    """Tell whether text can be encoded as UTF-8: it has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
