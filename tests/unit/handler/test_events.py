"""Events of all kinds, and the jobs in them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.events import is_batch, jobs_in, jobs_in_text, messages_in
from handler.jobs import Job, Skip, Unreadable
from pipeline.errors import BrokenError

EVENTS = Path(__file__).parents[3] / "events"
SEQUENCER = "0067A1B2C3D4E5F601"
PEDESTRIANS = Job("pretag-videos", "incoming/pedestrians.mp4", sequencer=SEQUENCER)


def sample_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def put_event(key: str, **details: str) -> dict[str, Any]:
    event = sample_event("s3-put")
    (record,) = event["Records"]
    record["s3"]["object"] = {"key": key, **details}
    return event


SAMPLE_EVENTS: dict[str, list[Job | Skip]] = {
    "s3-put": [PEDESTRIANS],
    "s3-put-several": [
        PEDESTRIANS,
        Job("pretag-videos", "incoming/cam 1+2/höhe.MP4", sequencer=SEQUENCER),
        Job("pretag-videos", "incoming/notes.txt", sequencer=SEQUENCER),
    ],
    "s3-test": [Skip("s3:TestEvent", "S3 sends it when a notification is configured")],
    "s3-delete": [Skip(PEDESTRIANS.uri, "ObjectRemoved:Delete creates no object")],
    "sns": [PEDESTRIANS],
    "sqs": [PEDESTRIANS, Job("pretag-videos", "incoming/missing.mp4", sequencer=SEQUENCER)],
    "eventbridge": [PEDESTRIANS],
    "redrive": [PEDESTRIANS],
    "direct": [
        Job(
            "pretag-videos",
            "incoming/pedestrians.mp4",
            config={"sampling": {"every_seconds": 2}, "detector": {"classes": ["person"]}},
            output="s3://pretag-results/trial",
            named=True,
        )
    ],
}


@pytest.mark.parametrize("name", SAMPLE_EVENTS)
def test_each_sample_event_contains_its_jobs(name: str) -> None:
    assert list(jobs_in(sample_event(name))) == SAMPLE_EVENTS[name]


def test_every_sample_event_is_tested() -> None:
    names = {path.stem for path in EVENTS.glob("*.json")}
    assert names - {"bad"} == set(SAMPLE_EVENTS)


def test_the_bad_sample_event_is_an_error() -> None:
    with pytest.raises(BrokenError):
        list(jobs_in(sample_event("bad")))


def test_only_events_from_queues_are_batches() -> None:
    batches = {name for name in SAMPLE_EVENTS if is_batch(sample_event(name))}
    assert batches == {"sqs", "redrive"}


def test_each_message_of_a_batch_has_its_id() -> None:
    assert [message_id for message_id, _ in messages_in(sample_event("sqs"))] == [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
    ]


def test_a_job_has_the_version_the_etag_and_the_sequencer_of_the_event() -> None:
    assert list(jobs_in(put_event("a.mp4", versionId="v1", eTag="abc", sequencer="0A"))) == [
        Job("pretag-videos", "a.mp4", version_id="v1", etag="abc", sequencer="0A")
    ]


any_key = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(any_key)
def test_keys_of_notifications_are_form_decoded(key: str) -> None:
    assert list(jobs_in(put_event(quote_plus(key)))) == [Job("pretag-videos", key)]


@given(any_key)
def test_keys_of_event_bridge_are_not_decoded(key: str) -> None:
    event = sample_event("eventbridge")
    event["detail"]["object"]["key"] = key
    assert list(jobs_in(event)) == [Job("pretag-videos", key, sequencer=SEQUENCER)]


def test_other_events_of_event_bridge_are_skipped() -> None:
    event = {**sample_event("eventbridge"), "detail-type": "Object Tags Added"}
    assert list(jobs_in(event)) == [Skip(PEDESTRIANS.uri, "Object Tags Added creates no object")]


def test_a_message_of_a_topic_in_a_message_of_a_queue_is_unwrapped() -> None:
    (record,) = sample_event("sns")["Records"]
    assert list(jobs_in_text(json.dumps(record["Sns"]))) == [PEDESTRIANS]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "The event is of type NoneType"),
        ({}, r"an unknown form .its keys: none."),
        ({"hello": 1}, r"its keys: hello"),
        ({"Records": []}, "its keys: Records"),
        ({"Records": "x"}, "its keys: Records"),
        ({"source": "aws.s3"}, r"detail\.bucket\.name is missing"),
        ({"source": "aws.s3", "detail": [1]}, r"bucket must be in an object and is in a value of"),
        ({"video": "https://x/y.mp4"}, "wrong keys or values: video"),
        ({"video": "s3://bucket"}, "wrong keys or values: video"),
        ({"video": 7}, "wrong keys or values: video"),
        ({"video": "s3://b/k", "confg": {}}, "wrong keys or values: confg"),
        ({"video": "s3://b/k", "config": "x"}, "wrong keys or values: config"),
        ({"video": "s3://b/k", "output": "results"}, "wrong keys or values: output"),
        ({"requestPayload": {"a": 1}}, "its keys: a"),
    ],
)
def test_an_unknown_event_is_an_error_that_names_its_fault(
    event: dict[str, Any], message: str
) -> None:
    with pytest.raises(BrokenError, match=message):
        list(jobs_in(event))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "is not JSON"),
        ("[1]", "event is of type list"),
        (None, "is a value of type NoneType"),
        ("[" * 100_000, "too many brackets"),
        ("9" * 5000, "is not JSON"),
    ],
)
def test_a_message_without_an_event_is_an_error(text: object, message: str) -> None:
    with pytest.raises(BrokenError, match=message):
        list(jobs_in_text(text))


DIRECT = {"video": "s3://pretag-videos/incoming/pedestrians.mp4"}


def in_queue(event: object) -> dict[str, Any]:
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": json.dumps(event)}]}


def in_topic(event: object) -> dict[str, Any]:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(event)}}]}


def in_topic_of_queue(event: object) -> dict[str, Any]:
    return in_queue({"Type": "Notification", "Message": json.dumps(event)})


def failed(event: object) -> dict[str, Any]:
    return {"requestPayload": event}


@pytest.mark.parametrize(
    "event",
    [
        in_queue(DIRECT),
        in_topic(DIRECT),
        in_topic_of_queue(DIRECT),
        in_queue(failed(DIRECT)),
        failed(in_topic(DIRECT)),
    ],
)
def test_a_direct_event_that_a_queue_or_a_topic_carried_is_refused(event: dict[str, Any]) -> None:
    (item,) = jobs_in(event)
    assert isinstance(item, Unreadable)
    assert "contains a direct event" in item.why


def test_a_direct_event_in_the_body_of_a_message_is_refused() -> None:
    with pytest.raises(BrokenError, match="contains a direct event"):
        list(jobs_in_text(json.dumps(failed(DIRECT))))


def test_who_may_invoke_the_function_may_send_what_failed_again() -> None:
    (job,) = jobs_in(failed(DIRECT))
    assert isinstance(job, Job)
    assert job.named


def test_a_redriven_notification_of_a_topic_of_a_queue_is_unwrapped() -> None:
    event = in_queue(failed(in_topic(failed(sample_event("s3-put")))))
    assert list(jobs_in(event)) == [PEDESTRIANS]


def test_events_in_too_many_events_are_an_error() -> None:
    event: dict[str, Any] = sample_event("s3-put")
    for _ in range(5):
        event = failed(event)
    assert list(jobs_in(event)) == [PEDESTRIANS]
    for _ in range(10_000):
        event = failed(event)
    with pytest.raises(BrokenError, match="more than 5 levels"):
        list(jobs_in(event))


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (None, "is a value of type NoneType"),
        ({}, "a record from a value of type NoneType"),
        ({"eventSource": "aws:kinesis"}, "a record from aws:kinesis"),
        ({"eventSource": ["aws:s3"]}, "a record from a value of type list"),
        ({"eventSource": "aws:s3"}, "s3.bucket.name is missing"),
        ({"eventSource": "aws:sqs", "body": 7}, "must be text"),
        ({"EventSource": "aws:sns", "Sns": []}, "must be text"),
        (put_event("")["Records"][0], "s3.object.key is missing or empty"),
        (put_event("%ff.mp4")["Records"][0], "is not form-encoded UTF-8"),
        (put_event("\ud800.mp4")["Records"][0], "without lone surrogates"),
        (put_event("a" * 1025)["Records"][0], "keys in S3 have 1 to 1024 bytes"),
        (put_event("a", sequencer="latest")["Records"][0], "must be a hexadecimal number"),
        (put_event("a", versionId="v" * 5000)["Records"][0], "at most 3072"),
        ({**put_event("a")["Records"][0], "eventName": None}, "eventName is missing"),
    ],
)
def test_a_bad_record_says_what_is_wrong_and_stops_no_other(record: object, why: str) -> None:
    (good,) = sample_event("s3-put")["Records"]
    first, bad, last = jobs_in({"Records": [good, record, good]})
    assert first == last == PEDESTRIANS
    assert isinstance(bad, Unreadable)
    assert bad.what == "record 2 of 3"
    assert why in bad.why


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=8)
    | st.sampled_from(["aws:s3", "aws:sns", "aws:sqs", "s3://b/k", "Notification", "[" * 5000])
    | st.just(10**400)
    | st.just("x" * 200_000),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Records", "requestPayload", "video", "config", "s3", "detail", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def places(tree: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of all values in a JSON value, texts with JSON in them unpacked."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(tree, dict):
        inner = list(tree.items())
    if isinstance(tree, list):
        inner = list(enumerate(tree))
    if isinstance(tree, str) and tree.startswith("{"):
        inner = list(json.loads(tree).items())
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def changed(tree: Any, path: tuple[str | int, ...], new: object, *, remove: bool) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value with one value in it replaced or removed."""
    if not path:
        return new
    if isinstance(tree, str):
        return json.dumps(changed(json.loads(tree), path, new, remove=remove), default=str)
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    if remove and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], new, remove=remove)
    return copy


@given(st.data(), st.sampled_from(sorted(SAMPLE_EVENTS)), json_values)
def test_whatever_is_changed_in_an_event_ends_in_jobs_or_in_a_short_sentence(
    data: st.DataObject, name: str, new: object
) -> None:
    event = sample_event(name)
    path = data.draw(st.sampled_from(places(event)))
    event = changed(event, path, new, remove=data.draw(st.booleans()))
    if is_batch(event):
        assert len(list(messages_in(event))) == len(event["Records"])
    check_items(event)


@given(json_values)
def test_any_value_as_an_event_ends_in_jobs_or_in_a_short_sentence(event: object) -> None:
    check_items(event)


def check_items(event: object) -> None:
    """Check that an event has items, or that its fault is told in short sentences."""
    items, sentences = list[Any](), list[str]()
    try:
        items += jobs_in(event)
    except BrokenError as error:
        sentences.append(str(error))
    assert items or sentences
    for item in items:
        assert len(item.what.encode()) < 2 * 3072 + 10
        if isinstance(item, Unreadable):
            sentences.append(str(item.error()))
    for sentence in sentences:
        assert len(sentence) < 1000
        assert sentence.isprintable()


def failed_execution(event: dict[str, Any]) -> dict[str, Any]:
    """Return what Step Functions tells of an execution that was started with an event."""
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"name": "run-1", "status": "FAILED", "input": json.dumps({"event": event})},
    }


@given(
    st.builds(
        Job,
        bucket=st.just("videos"),
        key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200),
        version_id=st.none() | st.just("v1"),
        etag=st.none() | st.just("e1"),
        sequencer=st.none() | st.just("00FF"),
        submission=st.none() | st.just("submission-1"),
    )
)
def test_the_event_of_a_job_makes_the_same_job(job: Job) -> None:
    assert list(jobs_in(job.event())) == [job]


@pytest.mark.parametrize("config", [{}, {"sampling": {"every_seconds": 2}}])
@pytest.mark.parametrize("output", [None, "s3://results/other"])
def test_the_direct_event_of_a_job_makes_the_same_job(
    config: dict[str, Any], output: str | None
) -> None:
    job = Job("videos", "a b+c.mp4", config=config, output=output, named=True)
    assert list(jobs_in(job.event())) == [job]


def test_a_long_video_that_failed_is_the_job_of_its_upload() -> None:
    job = Job("videos", "höhe 1.mp4", etag="e1", sequencer="0A")
    body = json.dumps(failed_execution(job.event()))
    (found,) = jobs_in_text(body)
    assert found == Job("videos", "höhe 1.mp4", etag="e1", sequencer="0A", failed_execution="run-1")


def test_a_direct_event_of_a_long_video_that_failed_is_refused_in_a_message() -> None:
    event = failed_execution(Job("videos", "a.mp4", named=True).event())
    with pytest.raises(BrokenError, match="invoke the function"):
        list(jobs_in_text(json.dumps(event)))
    (job,) = jobs_in(event)  # sent again by who may invoke the function
    assert isinstance(job, Job)


@pytest.mark.parametrize("detail", [None, {}, {"input": 1}, {"input": "[]"}, {"input": "{"}])
def test_an_execution_without_its_event_is_an_error(detail: object) -> None:
    with pytest.raises(BrokenError):
        list(jobs_in({"source": "aws.states", "detail": detail}))


def test_a_redrive_skips_the_index_page_and_refuses_other_commands() -> None:
    failed = {"requestPayload": {"pretag": {"command": "index"}}}
    assert list(jobs_in_text(json.dumps(failed))) == [
        Skip("the index page", "its next schedule writes it")
    ]
    other = {"pretag": {"command": "work", "run": "0" * 32, "shard": 0}}
    with pytest.raises(BrokenError, match="unknown form"):
        list(jobs_in_text(json.dumps({"requestPayload": other})))
