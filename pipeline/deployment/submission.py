"""How far a submission has come, in a small file, so that it can go on where it stopped."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Self

from pipeline.errors import InputFileError
from pipeline.storage.paths import reading, writing
from pipeline.text import path_text

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Submission:
    """A submission. Videos are sent in the order of their keys, so that one key says how far it is.

    Attributes:
        id: 16 hex digits. It is in each event.
        videos: `s3://bucket/prefix` of the videos.
        function: name of the function.
        sent: number of videos that were sent.
        last_key: key of the last one; None: none was sent.
        is_complete: whether all were sent.
    """

    id: str
    videos: str
    function: str
    sent: int = 0
    last_key: str | None = None
    is_complete: bool = False

    @classmethod
    def open(cls, file: Path, videos: str, function: str) -> Self:
        """Return the submission in a file, or a new one if there is no file.

        Args:
            file: the state file.
            videos: `s3://bucket/prefix` of the videos.
            function: name of the function.

        Raises:
            InputFileError: the file cannot be read, or is not that of such a submission.
        """
        with reading(file):
            if not file.exists():
                return cls(secrets.token_hex(8), videos, function)
            data = file.read_bytes()
        try:
            found = cls(**json.loads(data))
        except (ValueError, TypeError) as error:
            raise InputFileError(
                f"{path_text(file)} does not say how far a submission is. Name another file with "
                "--state."
            ) from error
        if (found.videos, found.function) != (videos, function):
            raise InputFileError(
                f"{path_text(file)} is of a submission of {found.videos} to {found.function}. Name "
                "another file with --state, or delete this one."
            )
        return found

    def write(self, file: Path) -> None:
        """Write the submission to a file, in one step.

        Raises:
            BrokenError: the file cannot be written.
        """
        temporary = file.with_name(f".{file.name}.{self.id}")
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
            temporary.replace(file)

    def with_sent(self, key: str) -> Self:
        """Return the submission after one more video was sent."""
        return replace(self, sent=self.sent + 1, last_key=key)

    def completed(self) -> Self:
        """Return the submission after the last video was sent."""
        return replace(self, is_complete=True)
