"""A simulated world: a model of S3, deliveries of events, and a scheduler that draws who acts next.

Each delivery is an actor, a greenlet that runs the real handler. Before each of its requests to S3,
the scheduler may let another actor act, kill this one, or let the request fail.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from greenlet import GreenletExit, getcurrent, greenlet

from handler.commands import obey
from handler.environment import Environment, LongVideoSettings
from handler.events import jobs_in
from handler.invocation import Invocation
from handler.notification import Notification
from handler.worker import process_jobs
from pipeline.errors import RetryableError
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.attempts import WORK_PREFIX
from tests.simulation.executions import STATE_MACHINE, Command, Execution, StepFunctions
from tests.simulation.replacements import replaced
from tests.simulation.s3_model import Fault, S3Model, Version
from tests.support.visible_results import Violation, check_folder

if TYPE_CHECKING:
    from pipeline.storage.archive_writer import ArchiveForm

VIDEOS, OTHER_VIDEOS, RESULTS = "videos", "other-videos", "results"
SMALL, LARGE = Capacity(1024, 900), Capacity(4096, 900)
_ATTEMPTS = 3
# A run has some 50 requests.
_PERSON_ACTS = 0.05
_LEFTOVERS_WAIT = 0.5
ENVIRONMENT = Environment(
    output=f"s3://{RESULTS}/out",
    input_buckets=(VIDEOS, OTHER_VIDEOS),
    models=None,
    output_owner="123456789012",
    event_bus="default",
    video_suffixes=(".mp4",),
    config_file=None,
    memory_megabytes=None,
    timeout_seconds=None,
)


class Killed(GreenletExit):
    """The process of an actor is dead: it must not act any more."""


@dataclass
class Delivery:
    """One delivery of an event, with up to three attempts by Lambda.

    Attributes:
        event: the event.
        version: of pretag; another version gives another run id.
        capacity: of the function.
        request_id: the same for all attempts.
        attempts: number of attempts that began.
        outcome: entry of the summary; None if the last attempt failed or none has ended.
        is_queued: whether the event is in the failure queue.
        message: what the function gets; the event itself, unless an execution failed.
        execution: name of the execution that does the run; None if none does.
        changes_before: number of changes of the video before the event came for the first time.
    """

    event: dict[str, Any]
    version: str = "1"
    capacity: Capacity = SMALL
    request_id: str = ""
    attempts: int = 0
    outcome: dict[str, Any] | None = None
    is_queued: bool = False
    changes_before: int = 0
    message: dict[str, Any] = field(default_factory=dict)
    execution: str | None = None

    def __post_init__(self) -> None:
        self.message = self.message or self.event

    @property
    def is_direct(self) -> bool:
        """Whether a person named the object."""
        return "video" in self.event

    @property
    def key(self) -> str:
        """The key of the video."""
        if self.is_direct:
            return str(self.event["video"]).split("/", 3)[3]
        return str(self._object["key"])

    @property
    def sequencer(self) -> str | None:
        """The sequencer of the upload; None for a direct event."""
        return None if self.is_direct else self._object.get("sequencer")

    @property
    def upload(self) -> tuple[str, ...]:
        """What is the same in all events of one upload; empty for a direct event."""
        if self.is_direct:
            return ()
        bucket = self.event["Records"][0]["s3"]["bucket"]["name"]
        names = ("key", "versionId", "eTag", "sequencer")
        return (bucket, *(str(self._object.get(name)) for name in names))

    @property
    def _object(self) -> dict[str, Any]:
        entity: dict[str, Any] = self.event["Records"][0]["s3"]["object"]
        return entity


@dataclass
class Plan:
    """What goes wrong: called before each request with its name and its number in the world."""

    fault: Callable[[str, int], Fault | None] = lambda _name, _number: None
    kills: Callable[[int], bool] = lambda _number: False


@dataclass
class World:
    """The state of a simulation.

    Attributes:
        random: draws who acts next.
        plan: what goes wrong.
        now: the time in seconds; each request takes a second.
        deaths: number of dead attempts for each key of a video.
        notifications: those that EventBridge accepted.
        changes: number of writes and deletions in the bucket of results.
        video_changes: number of uploads and deletions of each key of a video.
        is_calm: whether no request and no attempt failed.
        has_faults: whether a request failed, or the plan killed an attempt.
        is_supervised: whether what readers see is checked; not while a person deletes a result.
        violation: what the checks found.
        divides: whether the function divides videos that are too long.
        archive: form of the archive of images; None: each image is a file of its own.
        step_functions: Step Functions.
        leftovers: commands to remove what is left of executions that failed, which are waiting.
    """

    random: Random
    plan: Plan = field(default_factory=Plan)
    now: float = 1_000_000.0
    s3: S3Model = field(default_factory=S3Model)
    deliveries: list[Delivery] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    notifications: list[Notification] = field(default_factory=list)
    changes: int = 0
    video_changes: Counter[str] = field(default_factory=Counter)
    is_calm: bool = True
    has_faults: bool = False
    is_supervised: bool = True
    violation: Violation | None = None
    divides: bool = False
    leftovers: list[Command] = field(default_factory=list)
    archive: ArchiveForm | None = None
    _people: list[Callable[[], None]] = field(default_factory=list)
    _requests: int = 0
    _tokens: int = 0
    _actors: dict[greenlet, Delivery | Command] = field(default_factory=dict)
    _latest: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step_functions = StepFunctions(self)
        self.s3.buckets = {name: {} for name in (VIDEOS, OTHER_VIDEOS, RESULTS)}
        self.s3.owned = {RESULTS}
        self.s3.step = self._step
        self.s3.changed = self._changed

    # -- What a test says ----------------------------------------------------------------------

    def upload(
        self,
        video: dict[str, Any],
        *,
        bucket: str = VIDEOS,
        key: str = "cam/a.mp4",
        is_versioned: bool = True,
        has_sequencer: bool = True,
    ) -> dict[str, Any]:
        """Put a video into a bucket, and return S3's event."""
        number = self._requests + 1
        self._requests = number
        version_id = f"v{number}" if is_versioned else None
        version = Version(json.dumps(video).encode(), version_id)
        self.s3.write(bucket, key, version)
        entity = {"key": key, "eTag": version.etag.strip('"')}
        if version_id:
            entity["versionId"] = version_id
        if has_sequencer:
            entity["sequencer"] = f"{number:08X}"
        record = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket}, "object": entity},
        }
        return {"Records": [record]}

    def deliver(
        self,
        event: dict[str, Any],
        *,
        version: str = "1",
        capacity: Capacity = SMALL,
        request_id: str | None = None,
        message: dict[str, Any] | None = None,
    ) -> Delivery:
        """Deliver an event, perhaps in a message. Nothing happens before `run`."""
        request_id = request_id or f"request {self._requests} {len(self._actors)}"
        delivery = Delivery(event, version, capacity, request_id, message=message or event)
        delivery.changes_before = self.video_changes[delivery.key]
        self.deliveries.append(delivery)
        self._start(delivery)
        return delivery

    def at_random(self, act: Callable[[], None]) -> None:
        """Let a person act once, at any moment of `run`."""
        self._people.append(act)

    def run(self) -> None:
        """Let the actors act, in any order, until each delivery has ended or is queued."""
        with replaced(self):
            while self._actors:
                if self._people and self.random.random() < _PERSON_ACTS:
                    self._people.pop()()
                self._resume(self.random.choice(list(self._actors)))

    def act(self, number: int, requests: int) -> None:
        """Let one of the actors act, until it has made a number of requests or has ended."""
        with replaced(self):
            actor = list(self._actors)[number % len(self._actors)]
            for _ in range(requests):
                if actor in self._actors:
                    self._resume(actor)

    @property
    def is_idle(self) -> bool:
        """Whether all deliveries have ended or are queued."""
        return not self._actors

    @property
    def requests(self) -> int:
        """The number of requests until now."""
        return self._requests

    def redrive(self, capacity: Capacity = LARGE, version: str | None = None) -> None:
        """Deliver all events of the failure queue again, long after, when nothing fails."""
        self.plan = Plan()
        self.now += 10_000
        self._remove_leftovers()
        for delivery in [delivery for delivery in self.deliveries if delivery.is_queued]:
            self.deliveries.remove(delivery)
            again = self.deliver(
                delivery.event,
                capacity=capacity,
                version=version or delivery.version,
                message=delivery.message,
            )
            again.changes_before = delivery.changes_before
        self.run()

    def give_up(self) -> None:
        """Remove what is left of all executions that failed, when nothing fails."""
        self.plan = Plan()
        self.now += 10_000
        self._remove_leftovers()
        self.run()

    def _remove_leftovers(self) -> None:
        while self.leftovers:
            self.invoke(self.leftovers.pop())

    # -- What the handler sees -----------------------------------------------------------------

    @property
    def actor(self) -> Delivery | Command:
        """The delivery whose attempt acts now."""
        return self._actors[getcurrent()]

    def token(self) -> str:
        """Return a name that no attempt has had."""
        self._tokens += 1
        return f"attempt{self._tokens}"

    def file_content(self, source: Any) -> bytes:  # noqa: ANN401 - a video source
        """Return the content of a file: the video's ETag, and a number that never comes again."""
        self._tokens += 1
        return f"{source.etag} {self._tokens}".encode()

    def notify(self, _bus: str, notification: Notification) -> None:
        """Take the place of EventBridge."""
        fault = self._step("notify")
        folder = notification.result.removeprefix(f"s3://{RESULTS}/")
        name = "manifest.json" if notification.ending == "done" else "rejection.json"
        if self.s3.current(RESULTS, f"{folder}/{name}") is None and self.is_supervised:
            self._found(f"The notification of {folder} came before its result.")
        if fault is not None and fault is not Fault.ANSWER_LOST:
            raise RetryableError("EventBridge failed.")
        self.notifications.append(notification)
        if fault is Fault.ANSWER_LOST:
            raise RetryableError("EventBridge did not answer.")

    def step(self, name: str) -> Fault | None:
        """Let others act before a request takes effect; return what goes wrong with it."""
        return self._step(name)

    def invoke(self, command: Command) -> None:
        """Let an execution invoke the function."""
        command.request_id = f"command {self.token()}"
        self._start(command)

    def leave(self, command: Command) -> None:
        """Let a command to remove leftovers wait; or let it come at once."""
        if self.random.random() < _LEFTOVERS_WAIT:
            self.leftovers.append(command)
        else:
            self.invoke(command)

    def ended(self, execution: Execution) -> None:
        """Give all deliveries of an execution its ending."""
        for delivery in self.deliveries:
            if delivery.execution == execution.name:
                self._end_with(delivery, execution)

    def _end_with(self, delivery: Delivery, execution: Execution) -> None:
        delivery.execution = execution.name
        if execution.status == "SUCCEEDED":
            delivery.outcome = execution.outcome
        elif execution.status == "FAILED":
            delivery.is_queued = True
            delivery.message = execution.message

    def die(self) -> None:
        """End the process of the acting attempt without a word. Does not return."""
        _scheduler().switch("died")
        raise Killed

    # -- Scheduling ----------------------------------------------------------------------------

    def _start(self, delivery: Delivery | Command) -> None:
        delivery.attempts += 1
        invocation = Invocation(
            request_id=delivery.request_id,
            deadline=Deadline.never(),
            began_at=self.now,
            ends_at=self.now + delivery.capacity.seconds,
            capacity=delivery.capacity,
        )

        environment = ENVIRONMENT
        if self.divides:
            function = f"pretag:{delivery.version}:{delivery.capacity.megabytes}"
            settings = LongVideoSettings(STATE_MACHINE, function, 900, 60)
            environment = replace(environment, long_videos=settings)

        def attempt() -> None:
            if isinstance(delivery, Command):
                summary = obey(delivery.message, environment, invocation)
                self._step("end")
                self.step_functions.succeed(delivery, summary)
                return
            summary = process_jobs(jobs_in(delivery.message), environment, invocation)
            self._step("end")
            (outcome,) = summary["videos"]
            if outcome["status"] == "divided":
                execution = self.step_functions.executions[outcome["execution"]]
                self._end_with(delivery, execution)
            else:
                delivery.outcome = outcome

        # An actor may start another one, as when it starts an execution.
        here = getcurrent()
        scheduler = _scheduler() if here in self._actors else here
        self._actors[greenlet(attempt, scheduler)] = delivery

    def _resume(self, actor: greenlet) -> None:
        """Let an actor act until its next request, or until it ends."""
        delivery = self._actors[actor]
        try:
            said = actor.switch()
        except Exception as error:  # noqa: BLE001 - Lambda tries again after any error
            del self._actors[actor]
            self._fail(delivery, error)
            said = None
        if self.violation is not None:
            raise self.violation
        if said is None and actor.dead and actor not in self._actors:
            return
        if said == "died":
            del self._actors[actor]
            self.deaths[delivery.key] += 1
            self._fail(delivery, None)
        elif actor.dead:
            del self._actors[actor]

    def _fail(self, delivery: Delivery | Command, error: Exception | None) -> None:
        self.is_calm = False
        if isinstance(delivery, Command):
            self.step_functions.fail(delivery, error)
        elif delivery.attempts < _ATTEMPTS:
            self.now += 60
            self._start(delivery)
        else:
            delivery.is_queued = True

    def _step(self, name: str) -> Fault | None:
        current = getcurrent()
        if current not in self._actors:  # killed: what it still tries has no effect
            raise Killed
        _scheduler().switch("request")
        self.now += 1
        self._requests += 1
        if self.plan.kills(self._requests):
            self.has_faults = True
            self.die()
        fault = self.plan.fault(name, self._requests)
        if fault is not None:
            self.is_calm = False
            self.has_faults = True
        return fault

    # -- What must hold at each moment ---------------------------------------------------------

    def _changed(self, bucket: str, key: str) -> None:
        if bucket != RESULTS:
            self.video_changes[key] += 1
            return
        self.changes += 1
        if key.startswith(WORK_PREFIX) or not self.is_supervised:
            return
        if key.endswith("/latest.json"):
            self._check_latest(key)
            return
        folder = key.rpartition("/")[0].removesuffix("/images/default")
        files = self.s3.visible(RESULTS, f"{folder}/")
        try:
            check_folder(folder, files)
        except Violation as violation:
            self._found(str(violation))
        if f"{folder}/manifest.json" in files:
            self._check_source(folder, files)
        elif f"{folder}/rejection.json" in files:
            self._check_rejection(json.loads(files[f"{folder}/rejection.json"]))

    def _check_source(self, folder: str, files: dict[str, bytes]) -> None:
        etag = json.loads(files[f"{folder}/manifest.json"])["source"]["etag"]
        for key, data in files.items():
            contents = [data] if key.endswith((".jpg", ".csv")) else []
            if key.endswith(".zip"):
                with ZipFile(io.BytesIO(data)) as archive:
                    contents = [archive.read(name) for name in archive.namelist()]
            if any(content.split()[0].decode() != etag for content in contents):
                self._found(f"{key} is of another version of the video.")

    def _check_rejection(self, rejection: dict[str, Any]) -> None:
        if rejection["reason"] == "crashed" and self.deaths[rejection["source"]["key"]] < 2:
            self._found("A video was rejected for crashes that did not happen.")

    def _check_latest(self, key: str) -> None:
        now = json.loads(self.s3.visible(RESULTS, key)[key])
        before = self._latest.get(key)
        self._latest[key] = now
        if self.s3.current(RESULTS, f"{key.removesuffix('latest.json')}{now['manifest']}") is None:
            self._found("latest.json names a result that is not visible.")
        # An execution that a direct event started ends waiting uploads too.
        if isinstance(self.actor, Delivery) and "video" in self.actor.message:
            self._found("A direct event moved latest.json.")
        if before is None:
            return
        if before["source"] != now["source"]:
            self._found("latest.json moved to another bucket's video.")
        if (now["sequencer"] or "") < (before["sequencer"] or ""):
            self._found("latest.json went back.")

    def _found(self, message: str) -> None:
        """Keep the first violation. The handler catches exceptions, so `_resume` raises it."""
        self.violation = self.violation or Violation(message)


def _scheduler() -> greenlet:
    parent = getcurrent().parent
    assert parent is not None
    return parent
