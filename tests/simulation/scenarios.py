"""The scenarios of the simulation: who delivers what, to whom."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.world import LARGE, OTHER_VIDEOS, SMALL, VIDEOS, World

GOOD, BAD = {"kind": "good"}, {"kind": "bad"}
LONG = {"kind": "long", "needs_megabytes": 2000}
DEADLY = {"kind": "deadly", "needs_megabytes": 2000}

Scenario = Callable[[World], None]


def one_upload(world: World) -> None:
    """One upload, delivered once."""
    world.deliver(world.upload(GOOD))


def duplicates(world: World) -> None:
    """One upload, delivered three times at once."""
    event = world.upload(GOOD)
    for _ in range(3):
        world.deliver(event)


def two_versions_of_a_video(world: World) -> None:
    """Two uploads of one key, the later event first; one twice."""
    first, second = world.upload(GOOD), world.upload({**GOOD, "name": "second"})
    world.deliver(second)
    world.deliver(first)
    world.deliver(first)


def replaced_without_versions(world: World) -> None:
    """Two uploads of one key in a bucket without versions: the first may be superseded."""
    first = world.upload(GOOD, is_versioned=False)
    world.deliver(first)
    second = world.upload({**GOOD, "name": "second"}, is_versioned=False)
    world.deliver(second)
    world.deliver(first)


def uploaded_again(world: World) -> None:
    """The same content is uploaded twice to a bucket without versions: one run, two uploads."""
    for _ in range(2):
        world.deliver(world.upload(GOOD, is_versioned=False))


def deleted(world: World) -> None:
    """An upload is deleted while it is worked on, and delivered twice."""
    event = world.upload(GOOD, is_versioned=False)
    world.deliver(event)
    world.deliver(event)
    world.at_random(lambda: world.s3.write(VIDEOS, "cam/a.mp4", None))


def no_sequencer(world: World) -> None:
    """Events without a sequencer, of two versions."""
    world.deliver(world.upload(GOOD, has_sequencer=False))
    world.deliver(world.upload({**GOOD, "name": "second"}, has_sequencer=False))


def two_buckets(world: World) -> None:
    """The same key in two input buckets."""
    world.deliver(world.upload(GOOD))
    world.deliver(world.upload(GOOD, bucket=OTHER_VIDEOS))


def direct_events(world: World) -> None:
    """An upload, a direct event for the same run, and one with another configuration."""
    event = world.upload(GOOD)
    world.deliver(event)
    world.deliver({"video": f"s3://{VIDEOS}/cam/a.mp4"})
    world.deliver({"video": f"s3://{VIDEOS}/cam/a.mp4", "config": {"name": "other"}})


def new_version_of_pretag(world: World) -> None:
    """Duplicates, on two versions of pretag."""
    event = world.upload(GOOD)
    world.deliver(event)
    world.deliver(event, version="2")
    world.deliver(event, version="2")


def rejected(world: World) -> None:
    """A bad video, delivered twice."""
    event = world.upload(BAD)
    world.deliver(event)
    world.deliver(event)


def too_long(world: World) -> None:
    """A video that is too long for the small function, delivered to it and to a larger one."""
    event = world.upload(LONG)
    world.deliver(event)
    world.deliver(event, capacity=LARGE)
    world.deliver(event)


def too_long_then_larger_twice(world: World) -> None:
    """A too long video; two larger functions replace the rejection at once."""
    event = world.upload(LONG)
    world.deliver(event)
    world.deliver(event, capacity=LARGE)
    world.deliver(event, capacity=LARGE)


def too_long_then_a_new_version(world: World) -> None:
    """As before, but the larger function has another version of pretag."""
    event = world.upload(LONG)
    world.deliver(event)
    world.deliver(event, version="2", capacity=LARGE)


def too_long_and_direct(world: World) -> None:
    """A too long video, as an upload and as a direct event, on both functions."""
    event = world.upload(LONG)
    direct = {"video": f"s3://{VIDEOS}/cam/a.mp4"}
    world.deliver(event)
    world.deliver(direct)
    world.deliver(direct, capacity=LARGE)


def deadly(world: World) -> None:
    """A video that kills the small function, delivered twice; then a larger function."""
    event = world.upload(DEADLY)
    world.deliver(event)
    world.deliver(event, capacity=SMALL)


def deadly_then_enlarged(world: World) -> None:
    """A video that kills the small function; a duplicate reaches a larger one."""
    event = world.upload(DEADLY)
    world.deliver(event)
    world.deliver(event, capacity=LARGE)


def too_long_and_deleted(world: World) -> None:
    """A too long video that is deleted while a larger function works on it."""
    event = world.upload(LONG, is_versioned=False)
    world.deliver(event)
    world.deliver(event, capacity=LARGE)
    world.at_random(lambda: world.s3.write(VIDEOS, "cam/a.mp4", None))


def too_long_on_three_versions(world: World) -> None:
    """A too long video on three versions of pretag; the second one is the larger function."""
    event = world.upload(LONG)
    world.deliver(event)
    world.deliver(event, version="2", capacity=LARGE)
    world.deliver(event, version="4")


def too_long_on_three_versions_and_deleted(world: World) -> None:
    """As before, and the video is deleted meanwhile."""
    event = world.upload(LONG, is_versioned=False)
    world.deliver(event)
    world.deliver(event, version="2", capacity=LARGE)
    world.deliver(event, version="4")
    world.at_random(lambda: world.s3.write(VIDEOS, "cam/a.mp4", None))


def one_request_id(world: World) -> None:
    """Lambda delivers one event three times at once, with the same request id."""
    event = world.upload(GOOD)
    for _ in range(3):
        world.deliver(event, request_id="the same")


def no_sequencer_once(world: World) -> None:
    """One event without a sequencer."""
    world.deliver(world.upload(GOOD, has_sequencer=False))


def rejected_once(world: World) -> None:
    """A bad video, delivered once."""
    world.deliver(world.upload(BAD))


def too_long_once(world: World) -> None:
    """A video that is too long for the function, delivered once."""
    world.deliver(world.upload(LONG))


def direct_once(world: World) -> None:
    """One direct event."""
    world.upload(GOOD)
    world.deliver({"video": f"s3://{VIDEOS}/cam/a.mp4"})


def direct_and_missing(world: World) -> None:
    """Two direct events for a key that is not there."""
    for _ in range(2):
        world.deliver({"video": f"s3://{VIDEOS}/cam/a.mp4"})


def direct_and_deleted(world: World) -> None:
    """An upload is deleted while it and direct events for it are worked on."""
    event = world.upload(GOOD, is_versioned=False)
    world.deliver(event)
    world.deliver({"video": f"s3://{VIDEOS}/cam/a.mp4"})
    world.deliver({"video": f"s3://{VIDEOS}/cam/a.mp4", "config": {"name": "other"}})
    world.at_random(lambda: world.s3.write(VIDEOS, "cam/a.mp4", None))


def divided(world: World) -> None:
    """A long video is divided; its event comes three times."""
    world.divides = True
    event = world.upload(LONG)
    for _ in range(3):
        world.deliver(event)


def divided_once(world: World) -> None:
    """A long video is divided; its event comes once."""
    world.divides = True
    world.deliver(world.upload(LONG))


def divided_and_deleted(world: World) -> None:
    """A long video is deleted while its shards are worked on."""
    world.divides = True
    event = world.upload(LONG, is_versioned=False)
    world.deliver(event)
    world.deliver(event)
    world.at_random(lambda: world.s3.write(VIDEOS, "cam/a.mp4", None))


def divided_and_replaced(world: World) -> None:
    """Two versions of a long video; the later event first."""
    world.divides = True
    first, second = world.upload(LONG), world.upload({**LONG, "name": "second"})
    world.deliver(second)
    world.deliver(first)


def divided_by_two_versions(world: World) -> None:
    """A duplicate meets a new version of pretag, which makes another plan."""
    world.divides = True
    event = world.upload(LONG)
    world.deliver(event)
    world.deliver(event, version="2")


def divided_and_mismatched(world: World) -> None:
    """The shards of a long video do not fit together: one invocation does it."""
    world.divides = True
    event = world.upload({**LONG, "kind": "mismatched"})
    world.deliver(event)
    world.deliver(event)


def divided_and_rejected(world: World) -> None:
    """A shard of a long video cannot be read."""
    world.divides = True
    event = world.upload({**LONG, "kind": "half"})
    world.deliver(event)
    world.deliver(event)


def divided_and_direct(world: World) -> None:
    """A long video, as an upload and as a direct event for the same run."""
    world.divides = True
    world.deliver(world.upload(LONG))
    world.deliver({"video": f"s3://{VIDEOS}/cam/a.mp4"})


def divided_and_uploaded_again(world: World) -> None:
    """The same long video is uploaded twice to a bucket without versions: one run, two uploads."""
    world.divides = True
    for _ in range(2):
        world.deliver(world.upload(LONG, is_versioned=False))


def divided_and_larger(world: World) -> None:
    """A long video that fits a larger function, which gets a duplicate."""
    world.divides = True
    event = world.upload(LONG)
    world.deliver(event)
    world.deliver(event, capacity=LARGE)


def with_archives(world: World) -> None:
    """One upload of a run that writes its images into an archive, delivered twice."""
    world.archive = "zip"
    event = world.upload(GOOD)
    world.deliver(event)
    world.deliver(event)


def divided_with_archives(world: World) -> None:
    """A long video whose shards write archives; its event comes twice."""
    world.archive = "zip"
    world.divides = True
    event = world.upload(LONG)
    world.deliver(event)
    world.deliver(event)


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        one_upload,
        duplicates,
        two_versions_of_a_video,
        replaced_without_versions,
        uploaded_again,
        deleted,
        no_sequencer,
        two_buckets,
        direct_events,
        new_version_of_pretag,
        rejected,
        too_long,
        too_long_then_larger_twice,
        too_long_then_a_new_version,
        too_long_and_direct,
        deadly,
        deadly_then_enlarged,
        too_long_and_deleted,
        too_long_on_three_versions,
        too_long_on_three_versions_and_deleted,
        one_request_id,
        no_sequencer_once,
        rejected_once,
        too_long_once,
        direct_once,
        direct_and_missing,
        direct_and_deleted,
        divided,
        divided_once,
        divided_and_deleted,
        divided_and_replaced,
        divided_by_two_versions,
        divided_and_mismatched,
        divided_and_rejected,
        divided_and_direct,
        divided_and_uploaded_again,
        divided_and_larger,
        with_archives,
        divided_with_archives,
    )
}
