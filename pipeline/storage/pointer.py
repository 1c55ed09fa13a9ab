"""The content of `latest.json`: which result of a video is the newest."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from pipeline.errors import BrokenError
from pipeline.storage.result_store import MANIFEST


@dataclass(frozen=True)
class Pointer:
    """The newest result of one video.

    Attributes:
        run_id: the run id of the result.
        finished: when the result was finished, as in its manifest.
        source_bucket: the bucket of the video; None for a file, or if it is unknown.
        sequencer: the sequencer (hex) of the newest upload that was seen; None if it is unknown.
    """

    run_id: str
    finished: str
    source_bucket: str | None = None
    sequencer: str | None = None

    def with_result(self, run_id: str, finished: str) -> Self:
        """Return a pointer to another result, with the same source and sequencer."""
        return replace(self, run_id=run_id, finished=finished)

    def to_json(self) -> dict[str, Any]:
        """Return the pointer as a JSON object. A pointer without a bucket has no `source`."""
        source = {} if self.source_bucket is None else {"source": {"bucket": self.source_bucket}}
        return {
            "run_id": self.run_id,
            "manifest": f"{self.run_id}/{MANIFEST}",
            "finished": self.finished,
            **source,
            "sequencer": self.sequencer,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the pointer of a JSON object. `source` and `sequencer` may be missing.

        Raises:
            TypeError, KeyError, AttributeError: the object is not a pointer.
        """
        bucket, sequencer = value.get("source", {}).get("bucket"), value.get("sequencer")
        pointer = cls(value["run_id"], value["finished"], bucket, sequencer)
        texts = [pointer.run_id, pointer.finished]
        texts += [text for text in (bucket, sequencer) if text is not None]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("A pointer has a value that is not text.")
        return pointer

    @classmethod
    def parse(cls, data: bytes, location: str) -> Self:
        """Return the pointer in the bytes of a `latest.json`.

        Args:
            data: the content of the file.
            location: where the file is, for messages.

        Raises:
            BrokenError: it is not a pointer.
        """
        try:
            return cls.from_json(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BrokenError(
                f"{location} is not as pretag writes it. Delete it, then let `pretag promote` "
                "write it again."
            ) from error
