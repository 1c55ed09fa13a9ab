"""The objects of a divided run: its plan, the results of its shards, and its images.

Shards are worked on by invocations of their own. What they hand over lies below `pretag-work/`. A
name holds the run and the shard, and the first writer of a result wins, so a shard that is done is
never done again. Images are written where they stay, in the run's visible folder: it is no result
before its manifest is there. Whoever publishes the run removes the images that it does not list.
With an archive, each shard writes its images into an archive of its own, below `pretag-work/`.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError, RetryableError
from pipeline.storage.result_store import json_bytes
from pipeline.storage.s3.attempt_context import decision_of
from pipeline.storage.s3.attempts import (
    CLOCK_SECONDS,
    FILES_PREFIX,
    RUNS_PREFIX,
    Workspace,
    work_id,
)
from pipeline.storage.s3.divided_images import DividedImages
from pipeline.storage.s3.run_folder import RunFolder
from pipeline.storage.s3.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.resources.capacity import Capacity
    from pipeline.storage.s3.bucket import Bucket

_NAME = re.compile("[0-9a-f]{32}")


def plan_key(run: str) -> str:
    """Return the key of a run's plan.

    Args:
        run: name of the run below `pretag-work/runs/`: 32 hex digits. So no name leads elsewhere.

    Raises:
        BrokenError: it is not such a name.
    """
    if not _NAME.fullmatch(run):
        raise BrokenError("The name of a divided run must have 32 hexadecimal digits.")
    return f"{RUNS_PREFIX}{run}/plan.json"


class DividedRun:
    """The objects of one divided run.

    Attributes:
        name: of the run below `pretag-work/runs/`.
        images: the images of its shards.
    """

    def __init__(self, bucket: Bucket, folder: str) -> None:
        """Describe a run; nothing is requested.

        Args:
            bucket: the bucket for results.
            folder: key prefix of the run's visible folder, without a slash at the end.
        """
        self._bucket = bucket
        self._folder = folder
        self.name = work_id(folder)
        self._plan = plan_key(self.name)
        self._working = f"{RUNS_PREFIX}{self.name}/working/"
        self._shards = f"{FILES_PREFIX}{self.name}/shards/"
        self._stops = f"{FILES_PREFIX}{self.name}/stops/"
        self.images = DividedImages(bucket, folder, f"{FILES_PREFIX}{self.name}/images/")

    # -- Plan ----------------------------------------------------------------------------------

    def plan(self) -> bytes | None:
        """Return the plan; None if the run is not divided."""
        found = self._bucket.get(self._plan)
        return None if found is None else found.data

    def make_plan(self, data: bytes) -> bytes:
        """Write the plan unless there is one; return the one that is there now."""
        while not self._bucket.create(self._plan, data):
            found = self._bucket.get(self._plan)
            if found is not None:
                return found.data
        return data

    def check_alone(self, capacity: Capacity, now: float) -> None:
        """Check, after the plan was written, that no larger function works on the run alone.

        It registered before, and looks for a plan before it decides. So it either sees this plan
        and gives up, or is seen here.

        Args:
            capacity: that of this function.
            now: the time, in seconds since 1970.

        Raises:
            RetryableError: one does.
        """
        for other in Workspace(self._bucket, self._folder).registered():
            if not capacity.covers(other.capacity) and not other.is_over(now):
                raise RetryableError(
                    f"A larger function works on {self._bucket.uri(self._folder)} alone. It is "
                    "tried again."
                )

    def remove_rejection(self, capacity: Capacity) -> None:
        """Remove a visible rejection that does not hold for a larger function.

        Done before shards work for it, because a rejection is alone in its folder.
        """
        visible = RunFolder(self._bucket, self._folder)
        ending = visible.ending()
        if ending is None or not ending.is_rejection:
            return
        if not decision_of(ending, self._folder).holds_for(capacity):
            visible.remove_rejection()

    # -- Shards --------------------------------------------------------------------------------

    def done(self) -> set[int]:
        """Return the numbers of the shards whose results are there."""
        keys = self._bucket.keys(self._shards)
        return {int(key.removeprefix(self._shards).partition(".")[0]) for key in keys}

    def is_done(self, shard: int) -> bool:
        """Tell whether the result of a shard is there."""
        return self._bucket.exists(self._result(shard))

    def put_result(self, shard: int, data: bytes) -> bool:
        """Write the result of a shard; return False if there is one, which stays."""
        return self._bucket.create(self._result(shard), data)

    def result(self, shard: int) -> bytes:
        """Return the result of a shard.

        Raises:
            BrokenError: it is gone.
        """
        found = self._bucket.get(self._result(shard))
        if found is None:
            raise BrokenError(
                f"The result of shard {shard} is gone: {self._bucket.uri(self._result(shard))}. "
                "Send the event of the video again; the other shards are not computed again."
            )
        return found.data

    def stop(self, stop: Stop) -> None:
        """Note that the run cannot be merged, unless that was noted. Other shards end then."""
        self._bucket.create(self._stop_key(stop.capacity), stop.data())

    def stopped(self, capacity: Capacity | None) -> Stop | None:
        """Return why the run cannot be merged; None if nothing is against it.

        Args:
            capacity: that of this function. What was too much for another one does not count.
        """
        for key in dict.fromkeys((self._stop_key(None), self._stop_key(capacity))):
            found = self._bucket.get(key)
            if found is not None:
                return Stop.from_json(found.data)
        return None

    def _stop_key(self, capacity: Capacity | None) -> str:
        name = "any" if capacity is None else f"{capacity.megabytes}-{capacity.seconds}"
        return f"{self._stops}{name}.json"

    def drop_result(self, shard: int) -> None:
        """Remove the result of a shard, so that the next execution works on it again."""
        self._bucket.delete([self._result(shard)])

    def drop_results(self) -> None:
        """Remove the results of the shards. Done before their images are, which they name."""
        self._bucket.delete(self._bucket.keys(self._shards))

    # -- Who works -----------------------------------------------------------------------------

    @contextmanager
    def working(self, name: str, video: str, deadline: float) -> Iterator[None]:
        """Register an invocation that works on a shard, in the block.

        A registration that is left belongs to an invocation that died, or whose execution was
        stopped while it goes on.

        Args:
            name: of the shard and its execution. When it is tried again, it has the same name.
            video: `s3://bucket/key` of the video, for `pretag forget`.
            deadline: when the invocation is ended at the latest, in seconds since 1970.
        """
        key = f"{self._working}{name}.json"
        content = {"video": video, "folder": self._folder, "deadline": deadline}
        self._bucket.put(key, json_bytes(content))
        try:
            yield
        finally:
            self._bucket.delete([key])

    def check_idle(self, now: float) -> None:
        """Check that no invocation works on a shard, so that no image is written any more.

        Args:
            now: the time, in seconds since 1970.

        Raises:
            RetryableError: one may still work.
        """
        found = [self._bucket.get(key) for key in self._bucket.keys(self._working)]
        deadlines = [json.loads(each.data)["deadline"] for each in found if each is not None]
        left = max(deadlines, default=0.0) + CLOCK_SECONDS - now
        if left > 0:
            raise RetryableError(
                f"A shard of an execution that was stopped may still work for {left:.0f} seconds. "
                "It is tried again."
            )

    # -- The end -------------------------------------------------------------------------------

    def clean(self) -> None:
        """Remove all but the result: shards, images that no visible manifest lists, and the plan.

        Also remove the files of attempts that died before they decided.

        The plan is last: as long as it is there, a call that was cut off can be repeated.
        """
        visible = RunFolder(self._bucket, self._folder)
        ending = visible.ending()
        self.drop_results()
        self.images.remove_archives()
        visible.remove_unlisted(None if ending is None or ending.is_rejection else ending)
        work, now = Workspace(self._bucket, self._folder), time.time()
        work.remove_undecided_files(each.id for each in work.registered() if each.is_over(now))
        self._bucket.delete([*self._bucket.keys(self._stops), *self._bucket.keys(self._working)])
        self._bucket.delete([self._plan])

    def _result(self, shard: int) -> str:
        return f"{self._shards}{shard:05}.npz"
