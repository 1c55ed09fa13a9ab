"""`sam local invoke` with each sample event, as README.md says.

Its exit code is 0 whatever the function did: the answer is on standard output.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import sam, template
from tests.e2e.cloud import KEY, RESULTS, VIDEOS, Cloud
from tests.support import clips

pytestmark = pytest.mark.usefixtures("built")

EVENTS = template.ROOT / "events"
DONE = f"s3://{VIDEOS}/{KEY}"
SEVERAL_KEY = "incoming/cam 1+2/höhe.MP4"

Invoke = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def invoke(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Invoke:
    variables = tmp_path_factory.mktemp("sam") / "env.json"
    settings = {"OUTPUT_BUCKET": RESULTS, "AWS_ENDPOINT_URL_S3": aws.url}
    variables.write_text(json.dumps({"Function": settings}))

    def invoke(name: str) -> dict[str, Any]:
        options = ("--env-vars", str(variables), "--skip-pull-image")
        command = ("local", "invoke", "Function", "-e", str(EVENTS / f"{name}.json"), *options)
        answer: dict[str, Any] = json.loads(sam.sam(*command, variables=aws.variables))
        return answer

    return invoke


def results(aws: Cloud, prefix: str = "pretag") -> set[str]:
    """Return the names of the latest runs' pointers, by their videos."""
    paths = aws.tree(RESULTS, f"{prefix}/")
    return {path.removesuffix("/latest.json") for path in paths if path.endswith("/latest.json")}


@pytest.mark.parametrize("name", ["s3-put", "eventbridge", "sns", "direct"])
def test_an_event_for_one_video(name: str, invoke: Invoke, aws: Cloud) -> None:
    answer = invoke(name)
    assert answer.keys() == {"videos", "skipped"}, answer
    (video,) = answer["videos"]
    assert (video["video"], video["status"], answer["skipped"]) == (DONE, "done", [])
    prefix = "trial" if name == "direct" else "pretag"
    assert video["result"].startswith(f"s3://{RESULTS}/{prefix}/{KEY}/")
    assert KEY in results(aws, prefix)


def test_an_event_for_several_objects(invoke: Invoke, aws: Cloud) -> None:
    aws.client("s3").upload_file(str(clips.SAMPLE), VIDEOS, SEVERAL_KEY)
    answer = invoke("s3-put-several")
    assert answer.keys() == {"videos", "skipped"}, answer
    statuses = {video["video"]: video["status"] for video in answer["videos"]}
    assert statuses == {DONE: "done", f"s3://{VIDEOS}/{SEVERAL_KEY}": "done"}
    assert [each["skipped"] for each in answer["skipped"]] == [f"s3://{VIDEOS}/incoming/notes.txt"]


@pytest.mark.parametrize("name", ["sqs", "redrive"])
def test_a_queue_hears_that_nothing_failed(name: str, invoke: Invoke) -> None:
    assert invoke(name) == {"batchItemFailures": []}


@pytest.mark.parametrize(("name", "skipped"), [("s3-delete", DONE), ("s3-test", "s3:TestEvent")])
def test_an_event_that_asks_for_nothing(name: str, skipped: str, invoke: Invoke) -> None:
    answer = invoke(name)
    assert answer.keys() == {"videos", "skipped"}, answer
    assert answer["videos"] == []
    assert [each["skipped"] for each in answer["skipped"]] == [skipped]


def test_an_event_that_nobody_knows(invoke: Invoke) -> None:
    answer = invoke("bad")
    assert answer["errorType"] == "BrokenError"
    assert "see the folder events/" in answer["errorMessage"]


def test_each_sample_event_is_tried_here() -> None:
    tried = {"s3-put", "eventbridge", "sns", "direct", "s3-put-several", "sqs", "redrive"}
    tried |= {"s3-delete", "s3-test", "bad"}
    assert {path.stem for path in EVENTS.glob("*.json")} == tried
