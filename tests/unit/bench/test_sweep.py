"""The hardware sweep: sizes, Pareto points, the choice, the plot, and versions of a function."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from bench.measuring import busy_share
from bench.sweep import __main__ as command
from bench.sweep.measure import Clip, SweepError, Swept, check_answer, sweep
from bench.sweep.plot import svg
from bench.sweep.report import report
from bench.sweep.sizes import Point, choice, pareto, sizes_for
from bench.sweep.stack import functions_and_clips
from bench.sweep.versions import billed_seconds, versions_of
from deploy.smoke.deployed import Deployed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

POINTS = [
    Point(512, 8.0, 0.010),
    Point(1024, 4.0, 0.010),
    Point(1769, 2.2, 0.009),
    Point(3008, 1.6, 0.012),
    Point(3538, 1.7, 0.015),
]
CLIP = Clip("sample <30 s>", "s3://videos/a.mp4", 30.0)


def test_sizes_end_where_the_cpus_of_the_machine_end() -> None:
    assert sizes_for(1) == (512, 1024, 1769)
    assert sizes_for(2)[-2:] == (3008, 3538)
    assert sizes_for(64)[-1] == 10240


def test_dollars_for_an_hour_by_hand() -> None:
    """2 GB for 3 s of a clip of 30 s are 720 GB-seconds for an hour."""
    point = Point.measured(2048, 3.0, clip_seconds=30.0)
    assert point.dollars_an_hour == pytest.approx(720 * 0.0000166667)


def test_the_pareto_points_and_the_choice_of_a_known_sweep() -> None:
    assert [each.megabytes for each in pareto(POINTS)] == [1769, 3008]
    assert choice([POINTS]) == 3008
    assert choice([POINTS, [Point(1769, 1.0, 0.001), Point(3008, 1.0, 0.003)]]) == 1769
    assert choice([POINTS, [Point(5307, 1.0, 0.001)]]) is None
    assert choice([]) is None


@given(
    st.lists(
        st.tuples(st.sampled_from((1.0, 2.0, 3.0, 5.0)), st.sampled_from((0.1, 0.2, 0.4))),
        min_size=1,
        max_size=9,
    )
)
def test_each_point_is_best_or_beaten_by_one_that_is(values: list[tuple[float, float]]) -> None:
    points = [Point(number, *value) for number, value in enumerate(values, start=1)]
    best = pareto(points)
    assert best
    for each in points:
        assert (each in best) != any(other.beats(each) for other in best)
    assert choice([points]) in [each.megabytes for each in best]


class Timed:
    """Functions that take as long as they are told; 512 MB are too little."""

    def __init__(self) -> None:
        self.events: list[tuple[int, dict[str, Any]]] = []

    def invoke(self, megabytes: int, event: Mapping[str, Any]) -> float:
        self.events.append((megabytes, dict(event)))
        if megabytes == 512:
            raise SweepError("the function failed: killed")
        first = not any(size == megabytes for size, _ in self.events[:-1])
        return 1769 / megabytes + (3.0 if first else 0.0)


def test_a_sweep_counts_warm_invocations_and_tells_a_size_that_fails() -> None:
    functions = Timed()
    (swept,) = sweep(functions, [CLIP], (512, 1769, 3538), rounds=3)
    assert [(each.megabytes, each.seconds) for each in swept.points] == [(1769, 1.0), (3538, 0.5)]
    assert swept.first_seconds == {1769: 4.0, 3538: 3.5}
    assert swept.failures == {512: "the function failed: killed"}
    # A run of its own for each invocation: one that is done already would cost no work.
    assert [size for size, _ in functions.events] == [512, 1769, 3538, *[1769, 3538] * 3]
    assert len({json.dumps(event) for _, event in functions.events}) == 9
    text = report("Sweep", "Text.", [swept])
    assert "| 1,769 | 1.00 | 1.00 | 3.00 | $0.0035 |  |" in text  # beaten by the next one
    assert "| 3,538 | 2.00 | 0.50 | 3.00 | $0.0035 | yes |" in text
    assert "| 512 | 0.29 | failed: the function failed: killed |" in text
    assert "is **3,538 MB**" in " ".join(text.split())
    assert all(len(line) <= 120 for line in text.splitlines() if not line.startswith("|"))


def test_the_plot_is_well_formed_and_shows_each_size_once_in_both_schemes() -> None:
    text = svg([Swept(CLIP, tuple(POINTS), {}, {}), Swept(CLIP, tuple(POINTS), {}, {})], 3008)
    root = ET.fromstring(text)  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    texts = [each.text for each in root.iter(f"{space}text")]
    for point in POINTS:
        assert texts.count(f"{point.megabytes:,}") == 2
    assert texts.count("sample <30 s>") == 2
    classes = [each.get("class") for each in root.iter(f"{space}circle")]
    assert (classes.count("best"), classes.count("point"), classes.count("chosen")) == (4, 6, 2)
    width, height = (float(root.get(name, "0")) for name in ("width", "height"))
    for each in root.iter(f"{space}circle"):
        assert 0 < float(each.get("cx", "0")) < width
        assert 0 < float(each.get("cy", "0")) < height
    light, _, dark = text.partition("prefers-color-scheme: dark")
    for name in ("paper", "ink", "soft", "axis", "line", "point", "best", "chosen"):
        assert re.search(rf"\.{name} {{[^}}]*#", light)
        assert re.search(rf"\.{name} {{[^}}]*#", dark.partition("</style>")[0])
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_sweep_in_which_no_size_did_a_clip_has_no_plot_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failures = dict.fromkeys((512, 1024), "the function failed: killed")
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(command, "busy_share", lambda: 0.0)
    monkeypatch.setattr(command, "require_image", lambda _image: None)
    monkeypatch.setattr(command, "sweep_image", lambda *_: [Swept(CLIP, (), {}, failures)] * 2)
    plot = tmp_path / "new" / "sweep.svg"
    assert command.main(["--sizes", "512", "1024", "10240", "--plot", str(plot)]) == 1
    assert not plot.exists()
    out, err = capsys.readouterr()
    assert "No size did all clips." in out
    assert f"{plot} is not written: no size did a clip.\n" in err
    assert "10,240 MB left out: this machine has 2 CPUs, at most 3,538 MB.\n" in err


def test_a_clip_that_no_size_did_has_no_panel() -> None:
    failed = Swept(CLIP, (), {}, {512: "the function failed: killed"})
    done = Swept(CLIP, tuple(POINTS), {}, {})
    assert svg([failed, done], None) == svg([done], None)


def test_the_billed_seconds_are_read_from_the_report() -> None:
    log = (
        "REPORT RequestId: 1\tDuration: 1200.10 ms\tBilled Duration: 1201 ms\tMemory Size: 1769 MB"
    )
    assert billed_seconds(log) == 1.201
    with pytest.raises(SweepError, match="no line REPORT"):
        billed_seconds("END RequestId: 1")


def test_wrong_usage_ends_with_2_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--rounds", "0"], ["--stack", "pretag-dev", "--write"], ["--sizes", "1"]):
        with pytest.raises(SystemExit) as ended:
            command.main(arguments)
        assert ended.value.code == 2
    assert "--rounds must be from 1 to 20" in capsys.readouterr().err


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("app.py", "")
    return data.getvalue()


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401
    """Return a Lambda client with a function whose version 1 gets the events."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        role = boto3.client("iam").create_role(RoleName="pretag", AssumeRolePolicyDocument="{}")[
            "Role"
        ]["Arn"]
        client: Any = boto3.client("lambda")
        client.create_function(
            FunctionName="pretag", Runtime="python3.13", Role=role, Handler="app.run",
            Code={"ZipFile": zipped()}, MemorySize=3008, Description="settings 7",
        )  # fmt: skip
        client.publish_version(FunctionName="pretag")
        client.create_alias(FunctionName="pretag", Name="live", FunctionVersion="1")
        yield client


def state(client: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return memory, description, versions and aliases of the function."""
    config = client.get_function_configuration(FunctionName="pretag")
    versions = client.list_versions_by_function(FunctionName="pretag")["Versions"]
    aliases = client.list_aliases(FunctionName="pretag")["Aliases"]
    return {
        "memory": config["MemorySize"],
        "description": config["Description"],
        "versions": [each["Version"] for each in versions],
        "aliases": {each["Name"]: each["FunctionVersion"] for each in aliases},
    }


def test_versions_of_all_sizes_are_there_in_the_block_and_gone_after_it(function: Any) -> None:  # noqa: ANN401
    before = state(function)
    with versions_of(function, "pretag", (3008, 1769)):
        for size in (3008, 1769):
            alias = f"pretag-sweep-{size}"
            config = function.get_function_configuration(FunctionName="pretag", Qualifier=alias)
            assert config["MemorySize"] == size
            assert config["Version"] != "1"  # never the version that gets the events
        assert state(function)["aliases"]["live"] == "1"
    assert state(function) == before


def test_after_an_error_the_function_is_as_before(function: Any) -> None:  # noqa: ANN401
    before = state(function)
    with pytest.raises(SweepError), versions_of(function, "pretag", (3008, 1769)):
        raise SweepError
    assert state(function) == before


def test_a_version_is_invoked_by_its_alias_and_its_answer_is_checked(function: Any) -> None:  # noqa: ANN401
    asked: list[dict[str, Any]] = []
    status = "done"

    def invoke(**arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        asked.append(arguments)
        body = json.dumps({"videos": [{"status": status, "message": None}]}).encode()
        log = base64.b64encode(b"REPORT ... Billed Duration: 2500 ms ...").decode()
        return {"Payload": io.BytesIO(body), "LogResult": log}

    function.invoke = invoke
    with versions_of(function, "pretag", (1769,)) as versions:
        assert versions.invoke(1769, CLIP.event(3)) == 2.5
        status = "repeated"
        with pytest.raises(SweepError, match="ended as repeated"):
            versions.invoke(1769, CLIP.event(3))
    assert asked[0]["Qualifier"] == "pretag-sweep-1769"
    assert json.loads(asked[0]["Payload"])["config"]["sampling"]["end_seconds"] == 1003


def test_a_sweep_of_a_stack_removes_its_clips_and_versions(
    function: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    before, s3 = state(function), boto3.client("s3")
    for bucket in ("videos", "results"):
        s3.create_bucket(Bucket=bucket)
    outputs = {"InputBucket": "videos", "OutputBucket": "results", "Function": "pretag"}
    deployed = Deployed(outputs, {"InputPrefix": "incoming/", "OutputPrefix": "pretag"})
    monkeypatch.setattr(Deployed, "named", lambda _name: deployed)
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"clip")
    with functions_and_clips("pretag-dev", (1769,), {"a": clip}, 30.0) as (_, (found,)):
        key = found.uri.removeprefix("s3://videos/")
        assert key.startswith("incoming/pretag-sweep/")
        assert s3.get_object(Bucket="videos", Key=key)["Body"].read() == b"clip"
        s3.put_object(Bucket="results", Key=f"pretag/{key}/0123/manifest.json", Body=b"{}")
    assert state(function) == before
    for bucket in ("videos", "results"):
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"errorType": "Runtime.ExitError", "errorMessage": "killed"}', "the function failed: "),
        ("HTTP 502: Bad gateway", "the function failed: HTTP 502"),
        ('{"videos": [{"status": "rejected", "message": "Too large."}]}', "rejected: Too large."),
    ],
)
def test_only_a_video_that_is_done_counts(body: str, why: str) -> None:
    check_answer('{"videos": [{"status": "done"}]}')
    with pytest.raises(SweepError, match=why):
        check_answer(body)


def test_a_busy_machine_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "require_image", lambda _image: None)
    monkeypatch.setattr(command, "busy_share", lambda: 0.5)
    with pytest.raises(SystemExit, match="other programs use 50% of the CPUs"):
        command.main([])
    assert 0 <= busy_share(0.01) <= 1
