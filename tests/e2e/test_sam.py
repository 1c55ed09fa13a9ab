"""`sam local invoke` with each sample event, as in README.md.

Its exit code is always 0; the response of the function is on standard output.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import sam, template
from tests.e2e.emulator import KEY, RESULTS, VIDEOS, Emulator
from tests.support import clips

EVENTS = template.ROOT / "events"
VIDEO_URI = f"s3://{VIDEOS}/{KEY}"
SEVERAL_KEY = "incoming/cam 1+2/höhe.MP4"

Invoke = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def invoke(image: str, aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Invoke:
    variables = tmp_path_factory.mktemp("sam") / "env.json"
    settings = {
        "OUTPUT_BUCKET": RESULTS,
        "INPUT_BUCKETS": VIDEOS,
        "OUTPUT_BUCKET_OWNER": "",
        "EVENT_BUS": "",
        "AWS_ENDPOINT_URL_S3": aws.url,
    }
    variables.write_text(json.dumps({"Function": settings}))

    def invoke(name: str) -> dict[str, Any]:
        # Without the template's name, SAM would take one that an old `sam build` has left.
        options = (
            *("--template-file", "template.yaml", "--env-vars", str(variables)),
            *("--skip-pull-image", "--parameter-overrides", f"ImageUri={image}"),
        )
        command = ("local", "invoke", "Function", "-e", str(EVENTS / f"{name}.json"), *options)
        response: dict[str, Any] = json.loads(sam.sam(*command, variables=aws.variables))
        return response

    return invoke


@pytest.fixture(autouse=True)
def _no_results(aws: Emulator) -> None:
    """Remove all results, because the sample events have the same upload."""
    aws.empty_bucket(RESULTS)


@pytest.mark.parametrize("name", ["s3-put", "eventbridge", "sns", "direct"])
def test_an_event_for_one_video_writes_its_dataset(
    name: str, invoke: Invoke, aws: Emulator
) -> None:
    response = invoke(name)
    assert response.keys() == {"videos", "skipped"}, response
    (video,) = response["videos"]
    assert (video["video"], video["status"], response["skipped"]) == (VIDEO_URI, "done", [])
    prefix = "trial" if name == "direct" else "pretag"
    assert video["result"].startswith(f"s3://{RESULTS}/{prefix}/{KEY}/")
    paths = aws.tree(RESULTS, f"{prefix}/{KEY}/")
    assert f"{video['result'].rpartition('/')[2]}/manifest.json" in paths
    assert ("latest.json" in paths) == (name != "direct")


def test_an_event_for_several_objects_processes_the_videos_and_skips_others(
    invoke: Invoke, aws: Emulator
) -> None:
    aws.client("s3").upload_file(str(clips.SAMPLE), VIDEOS, SEVERAL_KEY)
    response = invoke("s3-put-several")
    assert response.keys() == {"videos", "skipped"}, response
    statuses = {video["video"]: video["status"] for video in response["videos"]}
    assert statuses == {VIDEO_URI: "done", f"s3://{VIDEOS}/{SEVERAL_KEY}": "done"}
    assert [entry["skipped"] for entry in response["skipped"]] == [
        f"s3://{VIDEOS}/incoming/notes.txt"
    ]


@pytest.mark.parametrize("name", ["sqs", "redrive"])
def test_an_event_from_a_queue_returns_the_messages_that_failed(name: str, invoke: Invoke) -> None:
    assert invoke(name) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("name", "skipped"), [("s3-delete", VIDEO_URI), ("s3-test", "s3:TestEvent")]
)
def test_an_event_without_a_new_object_is_skipped(name: str, skipped: str, invoke: Invoke) -> None:
    response = invoke(name)
    assert response.keys() == {"videos", "skipped"}, response
    assert response["videos"] == []
    assert [entry["skipped"] for entry in response["skipped"]] == [skipped]


def test_an_unknown_event_is_an_error_that_names_the_examples(invoke: Invoke) -> None:
    response = invoke("bad")
    assert response["errorType"] == "BrokenError"
    assert "The folder events/ has examples." in response["errorMessage"]


def test_every_sample_event_is_tested() -> None:
    tested = {"s3-put", "eventbridge", "sns", "direct", "s3-put-several", "sqs", "redrive"}
    tested |= {"s3-delete", "s3-test", "bad"}
    assert {path.stem for path in EVENTS.glob("*.json")} == tested
