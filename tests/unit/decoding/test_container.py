"""Containers by their first bytes."""

import av
import pytest

from pipeline.decoding.containers.container import PROBED, detect_container
from pipeline.decoding.containers.demuxers import SELF_CONTAINED
from pipeline.decoding.containers.other_files import describe_other_file

JPEG_2000 = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
TS = (b"\x47" + bytes(187)) * 4


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x00\x00\x00\x18ftypmp42", "mp4"),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mp4"),
        (b"\x1aE\xdf\xa3\x01", "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"),
        (b"FLV\x01", "flv"),
        (b"OggS\x00", "ogg"),
        (b"\x00\x00\x01\xba", "mpeg-ps"),
        (b"IMKH" + bytes(36) + b"\x00\x00\x01\xba", "mpeg-ps"),
        (b"IMKH" + bytes(36) + TS, "mpeg-ts"),
        (b".RMF\x00\x00\x00\x12", "realmedia"),
        (b"DKIF\x00\x00\x20\x00VP80", "ivf"),
        (b"YUV4MPEG2 W96 H64", "y4m"),
        (b"GIF89a", "gif"),
        (b"\x89PNG\r\n\x1a\n", "apng"),
        (b"\xff\xd8\xff\xe0", "mjpeg"),
        (JPEG_2000, "mp4"),
        (b"\x00\x00\x00\x18styp", "mp4"),
        (b"\x00\x00\x00\x18sidx", "mp4"),
        (b"\x1f\x43\xb6\x75", "matroska"),
        (TS, "mpeg-ts"),
        (b"\x00" * 100 + TS, "mpeg-ts"),
        (b"\x46" + bytes(187) + TS, "mpeg-ts"),  # the first packet is damaged
        ((b"\x00\x00\x00\x00\x47" + bytes(187)) * 4, "mpeg-ts"),
    ],
)
def test_a_container_is_detected_by_its_first_bytes(head: bytes, name: str) -> None:
    assert detect_container(head).name == name


@pytest.mark.parametrize(
    "head",
    [
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"#EXTM3U\n#EXT-X-VERSION:3\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\nAVI \n#EXTINF:5,\nsecret.ts\n",
        b"G",
        b"IMKH" + bytes(100),
        b"\x00\x00\x00\x01\x67",  # raw H.264, which only FFmpeg recognises
        bytes(1000) + (b"\x47" + bytes(187)) * 3 + bytes(3000),  # sync bytes by chance
        b"just some text that happens to be called clip.mp4\n" * 100,
    ],
)
def test_other_first_bytes_are_left_to_the_self_contained_demuxers(head: bytes) -> None:
    assert detect_container(head) is PROBED


def test_ffmpeg_has_each_self_contained_demuxer() -> None:
    names = SELF_CONTAINED.split(",")
    assert len(set(names)) == len(names) > 100
    for name in names:
        assert av.ContainerFormat(name, "r").is_input, name


@pytest.mark.parametrize(
    "name",
    [  # They open other files or addresses, run scripts, grab devices, or read text.
        *("hls", "dash", "concat", "imf", "sdp", "rtsp", "rtp", "sap", "image2", "image2pipe"),
        *("mlv", "vobsub", "webm_dash_manifest", "lavfi", "x11grab", "ffmetadata", "tty"),
    ],
)
def test_demuxers_that_open_something_are_not_allowed(name: str) -> None:
    assert name not in SELF_CONTAINED.split(",")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\xff\xd8\xff\xe0", "is a photo (JPEG)"),
        (b"\x00\x00\x00\x18ftypheic\0\0\0\0mif1heic", "is a photo (HEIC or AVIF)"),
        (b"\x00\x00\x00\x14ftypmif1\0\0\0\0avif", "is a photo (HEIC or AVIF)"),
        (JPEG_2000 + b"\x00\x00\x00\x14ftypjp2 \0\0\0\0jp2 ", "is a photo (JPEG 2000)"),
        (b"\x00\x00\x00\x0cJXL ", "is a photo (JPEG XL)"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "is a photo (WebP)"),
        (b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\x02", "is an animated WebP"),
        (b"RIFF\0\0\0\0WAVEfmt ", "is sound (WAVE)"),
        (b"FORM\0\0\0\0AIFF", "is sound (AIFF)"),
        (b"ID3\x04", "is sound (MP3 or AAC)"),
        (b"#EXTM3U\n", "is a playlist (HLS)"),
        (b"<?xml version='1.0'?>\n<MPD>", "is a playlist (DASH)"),
        (b"\n<!DOCTYPE html>", "is a web page"),
        (b"PK\x03\x04", "is an archive (ZIP)"),
        (bytes(257) + b"ustar", "is an archive (tar)"),
        (b"%PDF-1.7", "is a document (PDF)"),
        (b"RIFF\0\0\0\0WEBPVP8X", "is a photo (WebP)"),  # cut short
        (b"hello", "is not a video that pretag reads"),
        (b"", "is not a video that pretag reads"),
    ],
)
def test_a_file_that_is_no_video_is_named_with_a_remedy(head: bytes, what: str) -> None:
    sentence = describe_other_file(head)
    assert sentence.startswith(what)
    remedies = ("ffmpeg -", "magick ", "Upload", "Download", "Unpack")
    assert any(remedy in sentence for remedy in remedies)
