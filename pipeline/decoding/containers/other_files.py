"""Say what a file is that is no video, as far as its first bytes show it, and what to do."""

from __future__ import annotations

from pipeline.decoding.containers.formats.iso import is_photo, is_raw_photo

_PHOTO = (
    "is a photo ({kind}); pretag reads videos only. Make a video of photos: "
    "ffmpeg -framerate 1 -i photo-%03d.jpg OUT.mp4"
)
_ANIMATED_WEBP = (
    "is an animated WebP, of which FFmpeg reads no frames. Convert it with ImageMagick: "
    "magick IN.webp OUT.gif"
)
_SOUND = "is sound ({kind}), without a film. Upload the video that it belongs to."
_PLAYLIST = (
    "is a playlist ({kind}), which only names the parts of a video. Download the video: "
    "ffmpeg -i URL -c copy OUT.mp4"
)
_PAGE = "is a web page, not the video that it shows. Download the video itself."
_ARCHIVE = "is an archive ({kind}). Unpack it, and upload the videos in it."
_DOCUMENT = "is a document ({kind}). Upload a video, such as mp4."

_SIGNATURES = (
    (b"\xff\xd8\xff", _PHOTO, "JPEG"),
    (b"\x89PNG", _PHOTO, "PNG"),
    (b"GIF8", _PHOTO, "GIF with one image"),
    (b"BM", _PHOTO, "BMP"),
    (b"II*\0", _PHOTO, "TIFF"),
    (b"MM\0*", _PHOTO, "TIFF"),
    (b"\xff\x0a", _PHOTO, "JPEG XL"),
    (b"\0\0\0\x0cJXL ", _PHOTO, "JPEG XL"),
    (b"\xff\x4f\xff\x51", _PHOTO, "JPEG 2000"),
    (b"ID3", _SOUND, "MP3 or AAC"),
    (b"\xff\xfb", _SOUND, "MP3"),
    (b"\xff\xf3", _SOUND, "MP3"),
    (b"\xff\xf1", _SOUND, "AAC"),
    (b"\xff\xf9", _SOUND, "AAC"),
    (b"\x0b\x77", _SOUND, "AC-3"),
    (b"fLaC", _SOUND, "FLAC"),
    (b"#!AMR", _SOUND, "AMR"),
    (b".ra\xfd", _SOUND, "RealAudio"),
    (b"MAC ", _SOUND, "Monkey's Audio"),
    (b"wvpk", _SOUND, "WavPack"),
    (b"caff", _SOUND, "CAF"),
    (b"MThd", _SOUND, "MIDI"),
    (b"#EXTM3U", _PLAYLIST, "HLS"),
    (b"ffconcat", _PLAYLIST, "ffconcat"),
    (b"[playlist]", _PLAYLIST, "PLS"),
    (b"[Reference]", _PLAYLIST, "ASX"),
    (b"<asx", _PLAYLIST, "ASX"),
    (b"<ASX", _PLAYLIST, "ASX"),
    (b"v=0", _PLAYLIST, "SDP"),
    (b"RTSPtext", _PLAYLIST, "RTSP"),
    (b"PK\x03\x04", _ARCHIVE, "ZIP"),
    (b"\x1f\x8b", _ARCHIVE, "gzip"),
    (b"7z\xbc\xaf", _ARCHIVE, "7z"),
    (b"Rar!", _ARCHIVE, "RAR"),
    (b"\xfd7zXZ", _ARCHIVE, "xz"),
    (b"BZh", _ARCHIVE, "bzip2"),
    (b"%PDF", _DOCUMENT, "PDF"),
    (b"\xd0\xcf\x11\xe0", _DOCUMENT, "Office"),
)
_WORDS = (  # anywhere in the first bytes, in lower case
    (b"<mpd", _PLAYLIST, "DASH"),
    (b"<smoothstreamingmedia", _PLAYLIST, "Smooth Streaming"),
    (b"<!doctype html", _PAGE, ""),
    (b"<html", _PAGE, ""),
    (b"<svg", _PHOTO, "SVG"),
)
_WORDS_WITHIN = 512
_WEBP_FLAGS_AT, _WEBP_IS_ANIMATED = 20, 0x02
_TAR_AT = 257


def describe_other_file(head: bytes) -> str:
    """Return what a file is and what to do, as the end of a sentence.

    Args:
        head: its first bytes, as many as the container is detected with.
    """
    if head[:4] in {b"RIFF", b"FORM"}:
        return _chunked(head)
    if is_photo(head) or is_raw_photo(head):
        return _PHOTO.format(kind=_kind_of_photo(head))
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return _ARCHIVE.format(kind="tar")
    for magic, sentence, kind in _SIGNATURES:
        if head.startswith(magic):
            return sentence.format(kind=kind)
    words = head[:_WORDS_WITHIN].lower()
    for word, sentence, kind in _WORDS:
        if word in words:
            return sentence.format(kind=kind)
    return _unknown()


def _kind_of_photo(head: bytes) -> str:
    if is_raw_photo(head):
        return "CR3 of Canon"
    return "JPEG 2000" if head[4:8] == b"jP  " else "HEIC or AVIF"


def _chunked(head: bytes) -> str:
    if head[8:12] in {b"WAVE", b"AIFF", b"AIFC"}:
        return _SOUND.format(kind=head[8:12].decode())
    if head[8:12] == b"WEBP":
        flags = int.from_bytes(head[_WEBP_FLAGS_AT : _WEBP_FLAGS_AT + 1])
        is_animated = head[12:16] == b"VP8X" and flags & _WEBP_IS_ANIMATED
        return _ANIMATED_WEBP if is_animated else _PHOTO.format(kind="WebP")
    return _unknown()


def _unknown() -> str:
    return (
        "is not a video that pretag reads: its first bytes match no known container (mp4, mov, "
        "mkv, webm, avi, mpeg-ts, mpeg-ps, flv, wmv, ogg, mxf, rm, dv, gif), and FFmpeg finds no "
        "video in it. It is damaged, encrypted as a whole, or of a program of its own. Export it "
        "as mp4 there, or convert it: ffmpeg -i IN OUT.mp4"
    )
