"""Videos in S3 (moto): they are decoded by ranges, without a download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ResponseStreamingError

from pipeline.errors import RetryableError, SupersededError
from pipeline.storage.s3 import ranged_reader, video
from pipeline.storage.s3.video import S3Video
from pipeline.storage.source import ByteStream
from tests.support import clips
from tests.support.decoding import decode
from tests.support.s3_retries import quick_retries

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK = 8 * 1024


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, client: S3Client) -> S3Client:
    """Return a client. Videos are read in small blocks, so a small clip has many ranges."""
    for module in (ranged_reader, video):
        monkeypatch.setattr(module, "BLOCK_BYTES", BLOCK)
    return client


def frames_of(stream: ByteStream) -> list[tuple[int, float, bytes]]:
    frames = decode(stream, "clip").frames
    return [(frame.index, frame.pts_ms, frame.image.tobytes()) for frame in frames]


def find(client: S3Client, key: str = "clip", **pin: str | None) -> S3Video:
    return S3Video.find(client, "videos", key, **pin, retries=quick_retries())


def put_video(client: S3Client, data: bytes, key: str = "clip") -> S3Video:
    client.put_object(Bucket="videos", Key=key, Body=data)
    return find(client, key)


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
    video = find(client, version_id=version)
    assert video.identity == {
        "bucket": "videos",
        "key": "clip",
        "etag": video.etag,
        "version_id": version,
    }
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


@pytest.mark.parametrize(("failures", "recovers"), [(9, True), (10, False)])
def test_a_body_that_fails_is_requested_again_up_to_nine_times(
    client: S3Client, failures: int, *, recovers: bool
) -> None:
    data = bytes(range(256)) * 128
    flaky: Any = FlakyClient(client, 0)
    client.put_object(Bucket="videos", Key="clip", Body=data)
    video = find(flaky)
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
    with find(unranged).open() as stream:
        assert stream.read() == data


@pytest.mark.parametrize(("failures", "recovers"), [(9, True), (10, False)])
def test_the_first_block_is_requested_again_like_the_others(
    client: S3Client, failures: int, *, recovers: bool
) -> None:
    data = bytes(range(256)) * 128
    client.put_object(Bucket="videos", Key="clip", Body=data)
    flaky: Any = FlakyClient(client, failures)
    if recovers:
        with find(flaky).open() as stream:
            assert stream.read() == data
    else:
        with pytest.raises(RetryableError, match="could not be reached"):
            find(flaky)


def test_a_first_block_that_is_too_short_is_an_error(client: S3Client) -> None:
    client.put_object(Bucket="videos", Key="clip", Body=bytes(3 * BLOCK))
    short: Any = UnrangedClient(client, bytes_sent=10)
    with pytest.raises(RetryableError, match=f"sent 10 bytes .* {BLOCK} were requested"):
        find(short)


def enable_versions(client: S3Client, status: Any = "Enabled") -> None:  # noqa: ANN401 - a literal
    client.put_bucket_versioning(Bucket="videos", VersioningConfiguration={"Status": status})


def test_a_video_that_is_found_without_a_version_keeps_to_the_one_that_was_found(
    client: S3Client,
) -> None:
    enable_versions(client)
    data = clips.SAMPLE.read_bytes()
    version = client.put_object(Bucket="videos", Key="clip", Body=data)["VersionId"]
    video = find(client)
    assert video.version_id == version
    client.put_object(Bucket="videos", Key="clip", Body=b"new")
    with video.open() as stream:
        assert stream.read() == data


@pytest.mark.parametrize("status", ["Suspended", None])
def test_the_version_null_says_nothing_of_the_content(client: S3Client, status: str | None) -> None:
    if status is not None:
        enable_versions(client)
        enable_versions(client, status)
    client.put_object(Bucket="videos", Key="clip", Body=b"old")
    old = find(client, version_id="null")
    client.put_object(Bucket="videos", Key="clip", Body=b"new")
    new = find(client, version_id="null")
    assert (old.version_id, new.version_id) == (None, None)
    assert old.identity == {"bucket": "videos", "key": "clip", "etag": old.etag}
    assert new.identity == {"bucket": "videos", "key": "clip", "etag": new.etag}
    assert old.etag != new.etag
    with pytest.raises(SupersededError):
        find(client, version_id="null", etag=old.etag)


@pytest.mark.parametrize("versioned", [True, False])
def test_a_video_is_current_until_its_key_is_written_or_deleted(
    client: S3Client, *, versioned: bool
) -> None:
    if versioned:
        enable_versions(client)
    video = put_video(client, b"old")
    assert video.is_current_version()
    client.put_object(Bucket="videos", Key="clip", Body=b"new")
    assert not video.is_current_version()
    new = find(client)
    client.delete_object(Bucket="videos", Key="clip")
    assert not new.is_current_version()


def test_the_mark_of_a_deletion_is_superseded(client: S3Client) -> None:
    enable_versions(client)
    put_video(client, b"old")
    marker = client.delete_object(Bucket="videos", Key="clip")["VersionId"]
    with pytest.raises(SupersededError):
        find(client, version_id=marker)
    with pytest.raises(SupersededError):
        find(client)


def test_another_version_with_the_same_bytes_is_another_one(client: S3Client) -> None:
    enable_versions(client)
    video = put_video(client, b"same")
    client.put_object(Bucket="videos", Key="clip", Body=b"same")
    assert not video.is_current_version()


def test_a_response_that_is_too_short_is_an_error(client: S3Client) -> None:
    client.put_object(Bucket="videos", Key="clip", Body=bytes(3 * BLOCK))
    video = find(client)
    short: Any = UnrangedClient(client, bytes_sent=BLOCK + 10)
    object.__setattr__(video, "client", short)
    with video.open() as stream, pytest.raises(RetryableError, match="sent 10 bytes"):
        stream.read()
