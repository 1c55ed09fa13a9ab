"""The visible folder of a run: what readers of the bucket see.

It holds the files of one attempt and their manifest, or a rejection alone. All attempts copy the
same files there, those of the decided attempt, so two of them at once do no harm. Images of a
divided run are not copied: its shards wrote them here. Before the manifest or the rejection becomes
visible, the images that it does not list are removed.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from pipeline.errors import BrokenError
from pipeline.storage.result_store import MANIFEST, REJECTION, Ending, json_bytes
from pipeline.storage.s3.bucket import LARGEST_COPY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.storage.s3.bucket import Bucket
    from pipeline.storage.s3.decision import Decision

IMAGES_PREFIX = "images/"
"""Below this path of a run folder are its images."""

_PARALLEL_COPIES = 8
# A lifecycle rule of the bucket selects rejections by this tag, because they lie beside results.
REJECTION_TAGS = {"pretag": "rejection"}


class RunFolder:
    """The visible folder of one run."""

    def __init__(self, bucket: Bucket, folder: str) -> None:
        """Create a view of the folder; nothing is requested.

        Args:
            bucket: the bucket for results.
            folder: its key prefix, without a slash at the end.
        """
        self._bucket = bucket
        self._folder = folder

    @property
    def location(self) -> str:
        """The folder's `s3://` URI."""
        return f"s3://{self._bucket.name}/{self._folder}"

    def ending(self) -> Ending | None:
        """Return the ending that readers see; None if there is none."""
        for name in (MANIFEST, REJECTION):
            found = self._bucket.get(f"{self._folder}/{name}")
            if found is not None:
                return Ending(name, json.loads(found.data))
        return None

    def publish_rejection(self, decision: Decision) -> None:
        """Make the decided rejection visible. One in this folder is overwritten in one step."""
        replaced = {rejection.folder for rejection in decision.replaced}
        self._remove_rejections(replaced - {self._folder})
        if decision.is_divided:
            self.remove_unlisted(None)
        data = json_bytes(decision.rejection)
        self._bucket.put(f"{self._folder}/{REJECTION}", data, REJECTION_TAGS)

    def publish_files(self, decision: Decision, file_key: Callable[[str], str]) -> None:
        """Make the files of the decided attempt visible, the manifest last.

        Args:
            decision: the decision.
            file_key: returns the key of a path among the attempt's files.

        Raises:
            BrokenError: a file of the attempt is gone.
        """
        replaced = {rejection.folder for rejection in decision.replaced}
        # The decision of a rejection in this folder may have expired.
        self._remove_rejections({self._folder, *replaced})
        if self._bucket.exists(f"{self._folder}/{MANIFEST}"):
            return
        manifest = self._bucket.get(file_key(MANIFEST))
        if manifest is None or not self._bring_files(decision, manifest.data, file_key):
            # Another attempt may have published them, and removed its files.
            if self._bucket.exists(f"{self._folder}/{MANIFEST}"):
                return
            raise BrokenError(
                f"Files of attempt {decision.attempt} are gone from {file_key('')}, so "
                f"{self.location} cannot be published. Delete the decision of this run and this "
                "upload below pretag-work/, and send the event again."
            )
        self._bucket.put(f"{self._folder}/{MANIFEST}", manifest.data)

    def remove_rejection(self) -> None:
        """Remove the rejection."""
        self._remove_rejections({self._folder})

    def remove_unlisted(self, ending: Ending | None) -> set[str]:
        """Remove the images that a manifest does not list; return the paths of all others.

        Args:
            ending: the manifest; None: no image is listed.
        """
        listed = set() if ending is None else {file["path"] for file in ending.content["files"]}
        prefix = f"{self._folder}/"
        found = {key.removeprefix(prefix) for key in self._bucket.keys(f"{prefix}{IMAGES_PREFIX}")}
        self._bucket.delete(f"{prefix}{path}" for path in sorted(found - listed))
        return found & listed

    def _bring_files(
        self, decision: Decision, manifest: bytes, file_key: Callable[[str], str]
    ) -> bool:
        """Bring the files that the manifest lists into the folder; return False if one is gone."""
        content = json.loads(manifest)
        files = content["files"]
        if decision.is_divided:
            own = file_key("")
            there = self.remove_unlisted(Ending(MANIFEST, content))
            there -= {key.removeprefix(own) for key in self._bucket.keys(own)}
            files = [file for file in files if file["path"] not in there]
        return self._copy_files(files, file_key)

    def _copy_files(self, files: Iterable[dict[str, Any]], file_key: Callable[[str], str]) -> bool:
        """Copy files of the attempt; return False if one is gone."""

        def copy(file: dict[str, Any]) -> bool:
            source_key, key = file_key(file["path"]), f"{self._folder}/{file['path']}"
            if file["bytes"] <= LARGEST_COPY_BYTES:
                return self._bucket.copy(source_key, key)
            return self._bucket.copy_large(source_key, key, file["bytes"])

        with ThreadPoolExecutor(_PARALLEL_COPIES, thread_name_prefix="copy") as executor:
            return all(executor.map(copy, files))

    def _remove_rejections(self, folders: set[str]) -> None:
        self._bucket.delete([f"{folder}/{REJECTION}" for folder in sorted(folders)])
