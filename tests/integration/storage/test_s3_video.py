"""Videos in S3 (moto): they are decoded by ranges, without a download."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ResponseStreamingError
from moto import mock_aws

from pipeline.errors import RetryableError, SupersededError
from pipeline.storage.s3 import ranged_reader, video
from pipeline.storage.s3.video import S3Video
from pipeline.storage.source import ByteStream
from tests.support import clips
from tests.support.decoding import decode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK = 8 * 1024


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for module in (ranged_reader, video):  # with small blocks, a small clip has many ranges
        monkeypatch.setattr(module, "BLOCK_BYTES", BLOCK)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="videos")
        yield client


def frames_of(stream: ByteStream) -> list[tuple[int, float, bytes]]:
    frames = decode(stream, "clip").frames
    return [(frame.index, frame.pts_ms, frame.image.tobytes()) for frame in frames]


def put_video(client: S3Client, data: bytes, key: str = "clip") -> S3Video:
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
def test_a_video_in_s3_is_decoded_like_the_file(
    client: S3Client, tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    images = clips.textures(40)
    path = clips.write_clip(
        tmp_path / name, images, codec=codec, options={"g": "10"}, container_options=options
    )
    data = path.read_bytes()
    assert (b"moof" in data) == (name == "fragments.mp4")
    if name.startswith("index"):
        assert (data.index(b"moov") < data.index(b"mdat")) == (name == "index-first.mp4")
    assert len(data) > 3 * BLOCK
    with path.open("rb") as file, put_video(client, data).open() as stream:
        expected = frames_of(file)
        assert len(expected) == 4
        assert frames_of(stream) == expected


def test_size_identity_and_first_block_come_with_the_first_request(client: S3Client) -> None:
    video = put_video(client, b"x" * 100)
    assert (video.size, video.head) == (100, b"x" * 100)
    assert video.identity == {"bucket": "videos", "key": "clip", "etag": video.etag}


def test_an_empty_object_can_be_read(client: S3Client) -> None:
    empty = put_video(client, b"", key="empty")
    assert (empty.size, empty.head) == (0, b"")
    with empty.open() as stream:
        assert stream.read() == b""


def test_an_object_that_is_replaced_while_it_is_read_is_superseded(
    client: S3Client,
) -> None:
    video = put_video(client, clips.SAMPLE.read_bytes())
    with video.open() as stream:
        client.put_object(Bucket="videos", Key="clip", Body=clips.SAMPLE.read_bytes() + b"x")
        with pytest.raises(SupersededError, match="was replaced or deleted"):
            frames_of(stream)


def test_an_object_that_is_deleted_while_it_is_read_is_superseded(client: S3Client) -> None:
    video = put_video(client, clips.SAMPLE.read_bytes())
    with video.open() as stream:
        client.delete_object(Bucket="videos", Key="clip")
        with pytest.raises(SupersededError):
            frames_of(stream)


def test_a_version_can_be_read_after_it_was_replaced(client: S3Client) -> None:
    client.put_bucket_versioning(Bucket="videos", VersioningConfiguration={"Status": "Enabled"})
    data = clips.SAMPLE.read_bytes()
    version = client.put_object(Bucket="videos", Key="clip", Body=data)["VersionId"]
    video = S3Video.find(client, "videos", "clip", version_id=version)
    assert video.identity == {"bucket": "videos", "key": "clip", "version_id": version}
    client.put_object(Bucket="videos", Key="clip", Body=b"new")
    with video.open() as stream:
        assert stream.read() == data


class FlakyClient:
    """A client whose next responses fail while their body is read."""

    def __init__(self, client: S3Client, failures: int) -> None:
        self._client = client
        self.failures = failures

    def get_object(self, **request: Any) -> Any:  # noqa: ANN401 - as in boto3
        response = self._client.get_object(**request)
        if not self.failures:
            return response
        self.failures -= 1
        return {**response, "Body": FailingBody()}


class FailingBody:
    """A body whose connection is reset."""

    def read(self) -> bytes:
        raise ResponseStreamingError(error="connection reset")


@pytest.mark.parametrize(("failures", "recovers"), [(3, True), (4, False)])
def test_a_body_that_fails_is_requested_again_up_to_three_times(
    client: S3Client, failures: int, *, recovers: bool
) -> None:
    data = bytes(range(256)) * 128
    flaky: Any = FlakyClient(client, 0)
    client.put_object(Bucket="videos", Key="clip", Body=data)
    video = S3Video.find(flaky, "videos", "clip")
    flaky.failures = failures
    with video.open() as stream:
        if recovers:
            assert stream.read() == data
        else:
            with pytest.raises(RetryableError, match="could not be reached"):
                stream.read()


class UnrangedClient:
    """A client of a server that ignores ranges, and may send too few bytes."""

    def __init__(self, client: S3Client, bytes_sent: int | None = None) -> None:
        self._client = client
        self._bytes_sent = bytes_sent

    def get_object(self, **request: Any) -> Any:  # noqa: ANN401 - as in boto3
        request.pop("Range")
        response: Any = self._client.get_object(**request)
        data = response["Body"].read()[: self._bytes_sent]
        response["Body"].read = lambda: data
        return response


def test_a_server_that_ignores_ranges_can_be_read(client: S3Client) -> None:
    data = bytes(range(256)) * 200
    client.put_object(Bucket="videos", Key="clip", Body=data)
    unranged: Any = UnrangedClient(client)
    with S3Video.find(unranged, "videos", "clip").open() as stream:
        assert stream.read() == data


def test_a_response_that_is_too_short_is_an_error(client: S3Client) -> None:
    client.put_object(Bucket="videos", Key="clip", Body=bytes(3 * BLOCK))
    video = S3Video.find(client, "videos", "clip")
    short: Any = UnrangedClient(client, bytes_sent=BLOCK + 10)
    object.__setattr__(video, "client", short)
    with video.open() as stream, pytest.raises(RetryableError, match="sent 10 bytes"):
        stream.read()
