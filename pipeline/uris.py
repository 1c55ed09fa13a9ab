"""Tell URIs from paths, so that nothing makes a folder named `s3:`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath

# `pathlib` makes `s3:/bucket` of `s3://bucket`, so one slash is enough. One letter is a drive.
_URI = re.compile("([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)
_REMEDIES = {
    "s3": "Copy from and to S3 with `aws s3 cp`.",
    "file": "Write the path alone.",
}
_REMEDY = "Download what is to be read, and upload what was written."


def uri_sentence(path: str | PurePath) -> str | None:
    """Return why a URI is no path, and what to do; None for a path.

    A folder whose name looks like the beginning of a URI can still be named by its absolute path.
    """
    match = _URI.fullmatch(os.fsdecode(path))
    if match is None:
        return None
    scheme, rest = match.groups()
    slashes = ":///" if scheme.lower() == "file" else "://"
    remedy = _REMEDIES.get(scheme.lower(), _REMEDY)
    uri = f"{scheme}{slashes}{rest}"
    return f"{uri} is a URI, and a path on this machine is needed. {remedy}"
