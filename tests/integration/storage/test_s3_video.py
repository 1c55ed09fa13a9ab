"""Videos decoded where they lie: in S3 (moto), by ranges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ResponseStreamingError
from moto import mock_aws

from pipeline.config.schema import Config, LimitsConfig
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.errors import RetryableError, SupersededError
from pipeline.runlog import RunLog
from pipeline.storage.s3 import ranged_reader, video
from pipeline.storage.s3.video import S3Video
from pipeline.storage.source import ByteStream
from tests.support import clips

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK = 8 * 1024


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for module in (ranged_reader, video):  # small blocks: many ranges of a small clip
        monkeypatch.setattr(module, "BLOCK_BYTES", BLOCK)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="videos")
        yield client


def decoded(stream: ByteStream) -> list[tuple[int, float, bytes]]:
    frames = Video(stream, "clip", LimitsConfig(), threads=1).frames(
        Sampler(SamplingGrid.from_config(Config())), RunLog()
    )
    return [(frame.index, frame.pts_ms, frame.image.tobytes()) for frame in frames]


def in_s3(client: S3Client, data: bytes, key: str = "clip") -> S3Video:
    client.put_object(Bucket="videos", Key=key, Body=data)
    return S3Video.find(client, "videos", key)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("index-last.mp4", "libx264", {}),
        ("index-first.mp4", "libx264", {"movflags": "faststart"}),
        ("fragments.mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
        ("clip.mkv", "libx264", {}),
        ("clip.ts", "libx264", {}),
        ("clip.avi", "mpeg4", {}),
        ("clip.webm", "libvpx-vp9", {}),
    ],
)
def test_a_video_in_s3_decodes_as_the_file_does(
    client: S3Client, tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    images = [clips.texture(seed) for seed in range(40)]
    path = clips.write_clip(
        tmp_path / name, images, codec=codec, options={"g": "10"}, container_options=options
    )
    data = path.read_bytes()
    assert (b"moof" in data) == (name == "fragments.mp4")
    if name.startswith("index"):
        assert (data.index(b"moov") < data.index(b"mdat")) == (name == "index-first.mp4")
    assert len(data) > 3 * BLOCK
    with path.open("rb") as file, in_s3(client, data).open() as stream:
        expected = decoded(file)
        assert len(expected) == 4
        assert decoded(stream) == expected


def test_the_first_request_returns_properties_and_first_block(client: S3Client) -> None:
    video = in_s3(client, b"x" * 100)
    assert (video.size, video.head) == (100, b"x" * 100)
    assert video.identity == {"bucket": "videos", "key": "clip", "etag": video.etag}
    empty = in_s3(client, b"", key="empty")
    assert (empty.size, empty.head) == (0, b"")
    with empty.open() as stream:
        assert stream.read() == b""


def test_an_object_that_changes_while_it_is_read_is_superseded_never_mixed(
    client: S3Client,
) -> None:
    video = in_s3(client, clips.SAMPLE.read_bytes())
    with video.open() as stream:
        client.put_object(Bucket="videos", Key="clip", Body=clips.SAMPLE.read_bytes() + b"x")
        with pytest.raises(SupersededError, match="was replaced or deleted"):
            decoded(stream)


def test_an_object_that_vanishes_while_it_is_read_is_superseded(client: S3Client) -> None:
    video = in_s3(client, clips.SAMPLE.read_bytes())
    with video.open() as stream:
        client.delete_object(Bucket="videos", Key="clip")
        with pytest.raises(SupersededError):
            decoded(stream)


def test_a_version_is_read_to_its_end_after_it_was_replaced(client: S3Client) -> None:
    client.put_bucket_versioning(Bucket="videos", VersioningConfiguration={"Status": "Enabled"})
    data = clips.SAMPLE.read_bytes()
    version = client.put_object(Bucket="videos", Key="clip", Body=data)["VersionId"]
    video = S3Video.find(client, "videos", "clip", version_id=version)
    client.put_object(Bucket="videos", Key="clip", Body=b"new")
    with video.open() as stream:
        assert stream.read() == data


class Flaky:
    """A client whose bodies break off a number of times."""

    def __init__(self, client: S3Client, failures: int) -> None:
        self._client = client
        self.failures = failures

    def get_object(self, **request: Any) -> Any:  # noqa: ANN401 - as the client's own
        answer = self._client.get_object(**request)
        if not self.failures:
            return answer
        self.failures -= 1
        return {**answer, "Body": BrokenOff()}


class BrokenOff:
    """A body whose connection ends."""

    def read(self) -> bytes:
        raise ResponseStreamingError(error="connection reset")


@pytest.mark.parametrize(("failures", "recovers"), [(3, True), (4, False)])
def test_a_body_that_breaks_off_is_requested_again(
    client: S3Client, failures: int, *, recovers: bool
) -> None:
    data = bytes(range(256)) * 128
    flaky: Any = Flaky(client, 0)
    client.put_object(Bucket="videos", Key="clip", Body=data)
    video = S3Video.find(flaky, "videos", "clip")
    flaky.failures = failures
    with video.open() as stream:
        if recovers:
            assert stream.read() == data
        else:
            with pytest.raises(RetryableError, match="could not be reached"):
                stream.read()


class Unranged:
    """A client of a server that ignores ranges, or cuts its answers short."""

    def __init__(self, client: S3Client, bytes_sent: int | None = None) -> None:
        self._client = client
        self._bytes_sent = bytes_sent

    def get_object(self, **request: Any) -> Any:  # noqa: ANN401 - as the client's own
        request.pop("Range")
        answer: Any = self._client.get_object(**request)
        whole = answer["Body"].read()[: self._bytes_sent]
        answer["Body"].read = lambda: whole
        return answer


def test_a_server_that_ignores_ranges_can_be_read(client: S3Client) -> None:
    data = bytes(range(256)) * 200
    client.put_object(Bucket="videos", Key="clip", Body=data)
    unranged: Any = Unranged(client)
    with S3Video.find(unranged, "videos", "clip").open() as stream:
        assert stream.read() == data


def test_an_answer_that_is_too_short_is_not_taken_for_the_end(client: S3Client) -> None:
    client.put_object(Bucket="videos", Key="clip", Body=bytes(3 * BLOCK))
    video = S3Video.find(client, "videos", "clip")
    short: Any = Unranged(client, bytes_sent=BLOCK + 10)
    object.__setattr__(video, "client", short)
    with video.open() as stream, pytest.raises(RetryableError, match="sent 10 bytes"):
        stream.read()
