"""What must hold when all deliveries have ended: each upload has exactly one ending."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.storage.s3.attempts import WORK_PREFIX
from tests.simulation.world import LARGE, RESULTS, VIDEOS, Delivery, World
from tests.support.visible_results import Violation, check_visible, run_folders

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_endings(world: World) -> None:
    """Check the whole bucket, and how each delivery ended.

    Raises:
        Violation: an upload has no ending or two, `latest.json` is wrong, a notification is
            missing, or a calm run left work behind.
    """
    objects = world.s3.visible(RESULTS)
    visible = {key: data for key, data in objects.items() if not key.startswith(WORK_PREFIX)}
    check_visible(visible)
    folders = run_folders(visible)
    is_queued = any(delivery.is_queued for delivery in world.deliveries)
    uploads: dict[tuple[str, ...], list[Delivery]] = defaultdict(list)
    for delivery in world.deliveries:
        if delivery.is_direct:
            _check_direct(delivery, folders, is_queued=is_queued)
        else:
            uploads[delivery.upload].append(delivery)
    accounted = {_folder(delivery) for delivery in world.deliveries if delivery.outcome}
    for deliveries in uploads.values():
        _check_upload(deliveries, folders, is_queued=is_queued)
    if not (is_queued or _is_a_result_lost(world)) and folders - accounted:
        raise Violation(f"Nobody was told of {sorted(folders - accounted)}.")
    _check_capacity(world, visible)
    _check_latest(world, uploads, visible)
    _check_notifications(world, folders)
    left = [key for key in objects if key.startswith((f"{WORK_PREFIX}files/", _REGISTRATIONS))]
    left = [key for key in left if "/decision.json" not in key]
    if world.is_calm and left:
        raise Violation(f"A calm run left {left}.")


def check_given_up(world: World) -> None:
    """Check that runs whose executions failed left nothing, unless they have an ending.

    A plan can stay, if the attempt that made it died before it started an execution.

    Raises:
        Violation: an image or the result of a shard is left.
    """
    objects = world.s3.visible(RESULTS)
    visible = {key: data for key, data in objects.items() if not key.startswith(WORK_PREFIX)}
    folders = run_folders(visible)
    left = [key for key in objects if "/shards/" in key]
    left += [
        key for key in visible if "/images/" in key and key.partition("/images/")[0] not in folders
    ]
    if left:
        raise Violation(f"Runs that were given up left {sorted(left)}.")


def _is_a_result_lost(world: World) -> bool:
    """Tell whether a direct event may not know of a result of its own any more.

    Its attempt published and died, and a person uploaded or deleted the video before the next
    attempt, which has another run then. No decision of an upload names the first one.
    """
    return not world.is_calm and any(
        delivery.is_direct and world.video_changes[delivery.key] > delivery.changes_before
        for delivery in world.deliveries
    )


_REGISTRATIONS = f"{WORK_PREFIX}runs/"


def _folder(delivery: Delivery) -> str | None:
    result = (delivery.outcome or {}).get("result")
    return None if result is None else str(result).removeprefix(f"s3://{RESULTS}/")


def _told_a_dataset(delivery: Delivery) -> bool:
    """Tell whether the delivery ended with a dataset; it may since have been replaced."""
    outcome = delivery.outcome or {"status": None, "reason": None}
    return outcome["status"] in {"done", "repeated"} and outcome["reason"] is None


def _check_direct(delivery: Delivery, folders: set[str], *, is_queued: bool) -> None:
    if delivery.outcome is None:
        if not delivery.is_queued:
            raise Violation("A direct event was lost.")
    elif is_queued:
        return  # of an event that was about to replace this ending
    elif _folder(delivery) not in folders:
        raise Violation(f"{_folder(delivery)} was told, and is not visible.")


def _check_upload(deliveries: list[Delivery], folders: set[str], *, is_queued: bool) -> None:
    """Check that all deliveries of an upload tell the same ending, which is visible."""
    if all(delivery.outcome is None for delivery in deliveries):
        if not any(delivery.is_queued for delivery in deliveries):
            raise Violation("An upload was lost.")
        return
    told = {
        "superseded" if delivery.outcome["status"] == "superseded" else _folder(delivery)
        for delivery in deliveries
        if delivery.outcome is not None
    }
    # A rejection for capacity is replaced by a larger function, which may have another version.
    told = {ending for ending in told if ending == "superseded" or ending in folders}
    if not told and is_queued:  # an event was about to replace this ending
        return
    if len(told) != 1:
        raise Violation(f"An upload has {len(told)} endings: {sorted(map(str, told))}.")


def _check_capacity(world: World, visible: Mapping[str, bytes]) -> None:
    """Check that a large function got what it can do, and that a deadly video was rejected."""
    one_capacity = len({delivery.capacity for delivery in world.deliveries}) == 1
    for delivery in world.deliveries:
        folder = _folder(delivery)
        is_rejected = f"{folder}/rejection.json" in visible
        # A video that is gone cannot be computed again.
        is_gone = world.s3.current(VIDEOS, delivery.key) is None
        if folder and is_rejected and delivery.capacity == LARGE and not is_gone:
            capacity = json.loads(visible[f"{folder}/rejection.json"]).get("capacity")
            if capacity and capacity["memory_megabytes"] < LARGE.megabytes:
                raise Violation("A large function left the rejection of a smaller one.")
        # After two deaths, the third attempt rejects. Only a fault can queue the event, or a
        # smaller function that still works.
        if delivery.is_queued and not world.has_faults and one_capacity:
            raise Violation("An event failed although only its video is deadly.")


def _check_latest(
    world: World, uploads: Mapping[tuple[str, ...], list[Delivery]], visible: Mapping[str, bytes]
) -> None:
    """Check that `latest.json` names the result of the last upload that has one."""
    newest: dict[str, tuple[str, str]] = {}
    buckets: dict[str, set[str]] = defaultdict(set)
    for deliveries in uploads.values():
        for delivery in deliveries:
            buckets[f"out/{delivery.upload[1]}"].add(delivery.upload[0])
            folder = _folder(delivery)
            if folder is None or not _told_a_dataset(delivery):
                continue
            prefix, _, run_id = folder.rpartition("/")
            if delivery.sequencer is not None:
                newest[prefix] = max(newest.get(prefix, ("", "")), (delivery.sequencer, run_id))
    is_queued = any(delivery.is_queued for delivery in world.deliveries)
    for prefix, (_, run_id) in newest.items():
        if is_queued or len(buckets[prefix]) > 1:  # two buckets: the first one keeps it
            continue
        latest = visible.get(f"{prefix}/latest.json")
        if latest is None and any(delivery.is_direct for delivery in world.deliveries):
            continue  # a direct event replaced the upload's rejection
        if latest is None or json.loads(latest)["run_id"] != run_id:
            raise Violation(f"{prefix}/latest.json is {latest!r}; the last result is {run_id}.")
    if not uploads and any(key.endswith("/latest.json") for key in visible):
        raise Violation("A direct event made latest.json.")


def _check_notifications(world: World, folders: set[str]) -> None:
    told = [
        notification.result.removeprefix(f"s3://{RESULTS}/") for notification in world.notifications
    ]
    queued = any(delivery.is_queued for delivery in world.deliveries)
    if not (queued or _is_a_result_lost(world)) and folders - set(told):
        raise Violation(f"No notification of {sorted(folders - set(told))}.")
    sent = [(notification.result, notification.ending) for notification in world.notifications]
    if world.is_calm and len(sent) != len(set(sent)):
        raise Violation("A calm run sent a notification twice.")
