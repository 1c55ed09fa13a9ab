"""What is a URI, and what is a path that looks a little like one."""

from pathlib import Path

import pytest

from pipeline.uris import uri_sentence


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("s3://bucket/a b.mp4", "s3://bucket/a b.mp4"),
        ("s3:/bucket", "s3://bucket"),
        ("s3://", "s3://"),
        ("https://host/x?y=1", "https://host/x?y=1"),
        ("git+ssh://host/x", "git+ssh://host/x"),
        ("file:///home/x", "file:///home/x"),
        ("file:/home/x", "file:///home/x"),
        ("RTSP://cam", "RTSP://cam"),
        ("s3://bucket/a\nb", "s3://bucket/a\nb"),
    ],
)
def test_a_uri_is_named_as_it_was_written_also_after_pathlib_has_shortened_it(
    text: str, uri: str
) -> None:
    for path in (text, Path(text)) if text != "s3://" else (text,):
        sentence = uri_sentence(path)
        assert sentence is not None
        assert sentence.startswith(f"{uri} is a URI, and a path on this machine is needed. ")


@pytest.mark.parametrize(
    "path",
    [
        *("a.mp4", "/a.mp4", "./s3://x", "/s3://x", "12:30:00.mp4", "file:x.mp4", "a b:/c", ""),
        *("C:/videos/a.mp4", "c://a", "1a:/b", ":/a", "höhe:/a", "s3:", "a/s3://b"),
    ],
)
def test_a_path_is_no_uri(path: str) -> None:
    assert uri_sentence(path) is None
