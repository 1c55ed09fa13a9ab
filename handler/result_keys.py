"""The keys of a result in the output bucket, and how long they are.

S3 accepts keys of at most 1,024 bytes. The length of all keys is known from the video's key alone,
so a video whose results do not fit is rejected before anything of it is read.
"""

from __future__ import annotations

from handler.fields import KEY_BYTES, is_encodable, shown
from pipeline.dataset.coco import COCO_FILE
from pipeline.digest import sha256_of_json
from pipeline.errors import BrokenError, RejectedError
from pipeline.storage.s3.attempts import WORK_PREFIX

RUN_ID_BYTES = 16
# The longest path in a run folder. images/default/frame_<index>.jpg is as long at most, because a
# year of 30 frames a second has indexes of 9 digits.
LONGEST_PATH = COCO_FILE
LONG_KEYS = "pretag-long-keys"
"""Below this folder are the rejections of videos whose keys are too long."""

# Then the rejection of a video whose key is too long has room.
_LONGEST_PREFIX = 512


def check_prefix(prefix: str, origin: str) -> None:
    """Check a prefix for results.

    Args:
        prefix: the prefix; slashes at its ends do not count.
        origin: who names it, for the message.

    Raises:
        BrokenError: it is too long, or below `pretag-work/`.
    """
    _check_place(prefix.strip("/"), origin)
    if not is_encodable(prefix) or len(prefix.encode()) > _LONGEST_PREFIX:
        raise BrokenError(
            f"{origin} is not UTF-8 of at most {_LONGEST_PREFIX} bytes. Choose a shorter prefix."
        )


def _check_place(folder: str, origin: str) -> None:
    if f"{folder}/".startswith(WORK_PREFIX):
        raise BrokenError(
            f"{origin} is below {WORK_PREFIX}, where objects are deleted after some days. Choose "
            "another output prefix."
        )


class ResultKeys:
    """The folders of one video's results."""

    def __init__(self, prefix: str, video_key: str) -> None:
        """Compute the folders.

        Args:
            prefix: the output prefix, as `check_prefix` accepts it.
            video_key: the key of the video.

        Raises:
            BrokenError: the results would be below `pretag-work/`.
        """
        self._prefix = prefix.strip("/")
        self._video_key = video_key
        _check_place(self._join(video_key), f"The folder for results of {shown(video_key)}")

    def folder(self, run_id: str) -> str:
        """Return the run folder of a run: key prefix without a slash at the end."""
        return self._join(self._video_key, run_id)

    def rejection_folder(self, run_id: str) -> str:
        """Return the run folder of a video whose key is too long. Its name holds a digest."""
        return self._join(LONG_KEYS, sha256_of_json(self._video_key)[:32], run_id)

    def too_long(self) -> RejectedError | None:
        """Return the rejection if a key of the results would be longer than S3 accepts."""
        longest = len(f"{self.folder('0' * RUN_ID_BYTES)}/{LONGEST_PATH}".encode())
        if longest <= KEY_BYTES:
            return None
        key_bytes = len(self._video_key.encode())
        return RejectedError(
            "key_too_long",
            f"The key of the video has {key_bytes} bytes of UTF-8, so its results would have keys "
            f"of up to {longest} bytes; S3 accepts {KEY_BYTES}. Upload the video with a key of at "
            f"most {key_bytes - longest + KEY_BYTES} bytes, or shorten the output prefix.",
        )

    def _join(self, *parts: str) -> str:
        return "/".join(part for part in (self._prefix, *parts) if part)
