"""Hostile files: playlists that name other files, false headers, and small files of large images.

Playlists that read files are a known attack: https://nvd.nist.gov/vuln/detail/CVE-2016-1897
"""

import io
import struct
import zlib
from pathlib import Path

import av
from PIL import Image as PillowImage

from tests.support import clips
from tests.support.container_bytes import (
    TS_PACKET,
    add_recursive_index,
    append_to_moov,
    append_to_segment,
    box,
    boxes,
    element,
    nested_boxes,
    nested_elements,
    overwrite,
    program_tables,
    replace_in_box,
)

Files = dict[str, bytes]
"""The contents of files, by a description of each."""


def other_files(decoy: Path, url: str) -> Files:
    """Return files that are not videos.

    Args:
        decoy: a file that a reader must not open.
        url: an address that a reader must not call.
    """
    return {**playlists(decoy, url), **other_formats()}


def hostile_videos(folder: Path, decoy: Path, url: str) -> Files:
    """Return files that start as videos do. The folder is for temporary files."""
    return {
        **disguised_playlists(decoy),
        **references(folder, decoy, url),
        **false_headers(folder),
        **large_images(folder),
    }


def playlists(decoy: Path, url: str) -> Files:
    """Return playlists and scripts that name the decoy: relative, absolute, by file: or http:."""
    targets = {
        "relative": decoy.name,
        "absolute": f"{decoy}",
        "file": f"file://{decoy}",
        "http": url,
    }
    texts: dict[str, str] = {}
    for how, target in targets.items():
        texts |= {
            f"HLS, {how}": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n",
            f"ffconcat, {how}": f"ffconcat version 1.0\nfile '{target}'\n",
            f"DASH, {how}": f"<?xml version='1.0'?><MPD><BaseURL>{target}</BaseURL></MPD>",
            f"concat:, {how}": f"concat:{target}|{target}",
            f"subfile:, {how}": f"subfile,,start,0,end,9,,:{target}",
            f"ASX, {how}": f"<asx><entry><ref href='{target}'/></entry></asx>",
            f"reference, {how}": f"[Reference]\nRef1={target}\n",
        }
    texts |= {
        "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nm=video 5004 RTP/AVP 96\n",
        "RTSP": f"RTSPtext{url.replace('http', 'rtsp')}",
        "lavfi": f"movie={decoy}",
        "sequence": "frame_%03d.png",
    }
    return {name: text.encode() for name, text in texts.items()}


def disguised_playlists(decoy: Path) -> Files:
    """Return playlists that name the decoy and have bytes by which a container is detected."""
    hls = f"#EXTINF:5,\n{decoy.name}\n#EXT-X-ENDLIST\n".encode()
    script = f"ffconcat version 1.0\nfile '{decoy.name}'\n#".encode()
    packet = b"G".ljust(TS_PACKET, b"x")
    return {
        "HLS, disguised as mp4": b"#EXTmoov\n#EXTM3U\n" + hls,
        "HLS, disguised as y4m": b"YUV4MPEG2 W64 H64 F10:1\n#EXTM3U\n" + hls,
        "HLS, disguised as rm": b".RMF\n#EXTM3U\n" + hls,
        "HLS, disguised as ivf": b"DKIF\n#EXTM3U\n" + hls,
        "HLS, disguised as a recording of Hikvision": b"IMKH\n#EXTM3U\n" + hls,
        "HLS, disguised as raw H.264": b"\0\0\0\1\x67\n#EXTM3U\n" + hls,
        "HLS, disguised as a media segment": b"\0\0\0\x10styp\n#EXTM3U\n" + hls,
        "HLS, disguised as GIF": b"GIF89a\n#EXTM3U\n" + hls,
        "ffconcat, disguised as MIME": b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + script,
        "ffconcat, disguised as ts": script.ljust(TS_PACKET, b"x") + packet * 4,
    }


def other_formats() -> Files:
    """Return images, documents, archives and fonts."""
    images = {}
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        buffer = io.BytesIO()
        PillowImage.new("RGB", (64, 64)).save(buffer, kind)
        images[kind] = buffer.getvalue()
    return {
        **images,
        "PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "ZIP": b"PK\x03\x04" + bytes(60),
        "HTML": b"<!DOCTYPE html><html><video src='x.mp4'></video></html>",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='x.png'/></svg>",
        "WAV": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
        "MP3": b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" * 200,
        "TrueType": b"\0\1\0\0\0\x0a\0\x80" + bytes(160),
        "NUT": b"nut/multimedia container\0" + bytes(99),
    }


def references(folder: Path, decoy: Path, url: str) -> Files:
    """Return videos whose headers refer to other files."""
    mp4, mkv = clip(folder, "h264.mp4"), clip(folder, "h264.mkv")
    same_file = box(b"url ", b"\0\0\0\1")
    assert same_file in mp4
    data_reference = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
    files = {}
    for how, target in (("file", f"file://{decoy}"), ("http", url), ("relative", decoy.name)):
        name = target.encode()
        other_file = box(b"url ", bytes(4) + name + b"\0")
        files[f"mov, data in another file, {how}"] = replace_in_box(
            mp4, data_reference, same_file, other_file
        )
        link = box(b"rdrf", b"\0\0\0\0url " + struct.pack(">I", len(name)) + name)
        movie = box(b"moov", box(b"rmra", box(b"rmda", link)))
        files[f"mov, movie in another file, {how}"] = box(b"ftyp", b"qt  ") + movie
    linked = element(0x1549A966, element(0x73A4, b"a" * 16) + element(0x3EB923, b"b" * 16))
    font = (
        element(0x466E, decoy.name.encode())
        + element(0x4660, b"application/x-truetype-font")
        + element(0x465C, b"\0\1\0\0" * 20)
        + element(0x46AE, b"\1")
    )
    attached = element(0x1941A469, element(0x61A7, font))
    files["mkv, segments in other files"] = append_to_segment(mkv, linked)
    files["mkv, attached font"] = append_to_segment(mkv, attached)
    return files


def false_headers(folder: Path) -> Files:
    """Return videos whose headers have far too large counts, sizes or depths."""
    return {
        **false_mp4_headers(clip(folder, "h264.mp4")),
        **false_mkv_headers(clip(folder, "h264.mkv")),
        **false_avi_headers(clip(folder, "mpeg4.avi")),
        "ts, 200 programs of 20 streams": program_tables(200, 20) * 2 + clip(folder, "h264.ts"),
        "ts, only sync bytes": (b"\x47" + b"\xff" * (TS_PACKET - 1)) * 5000,
    }


def false_mp4_headers(mp4: bytes) -> Files:
    """Return the mp4 with false headers."""
    files = {}
    for kind in (b"stts", b"stsc", b"stsz", b"stco"):
        count_at = mp4.index(kind) + (12 if kind == b"stsz" else 8)
        name = f"entries of {kind.decode()}"
        files[f"mp4, 2^31 {name}"] = overwrite(mp4, count_at, b"\x80\0\0\0")
        files[f"mp4, 2^32 {name}"] = overwrite(mp4, count_at, b"\xff\xff\xff\xff")
    long_frames = overwrite(mp4, mp4.index(b"stts") + 16, b"\x0f\xff\xff\xff")
    files["mp4, 70 hours"] = long_frames.replace(b"edts", b"free")
    for count in (300, 2000):
        files[f"mp4, {count} streams"] = repeat_track(mp4, count)
    for kind in (b"moov", b"udta", b"meta"):
        nested = nested_boxes(kind, 10_000)
        files[f"mp4, 10,000 nested {kind.decode()}"] = box(b"ftyp", b"isom") + nested
    return files


def repeat_track(mp4: bytes, count: int) -> bytes:
    """Return the mp4 with further copies of its track."""
    moov = dict(boxes(mp4))[b"moov"]
    track = next(payload for kind, payload in boxes(moov) if kind == b"trak")
    return append_to_moov(mp4, box(b"trak", track) * count)


def false_mkv_headers(mkv: bytes) -> Files:
    """Return the Matroska file with false headers."""
    segment, tracks = mkv.index(b"\x18\x53\x80\x67"), mkv.index(b"\x16\x54\xae\x6b")
    cluster = mkv.index(b"\x1f\x43\xb6\x75")
    giant_size = b"\x01" + b"\xff" * 6 + b"\xfe"
    unknown_size = b"\x01" + b"\xff" * 7
    return {
        "mkv, a giant cluster": overwrite(mkv, cluster + 4, giant_size),
        "mkv, giant tracks": overwrite(mkv, tracks + 4, giant_size),
        "mkv, 10,000 nested tags": append_to_segment(mkv, nested_elements(0x67C8, 10_000)),
        "mkv, an endless header": mkv[: segment + 4] + unknown_size + bytes(10**6),
    }


def false_avi_headers(avi: bytes) -> Files:
    """Return the AVI with false headers."""
    index = avi.index(b"idx1")
    return {
        "avi, index of 2^31 bytes": overwrite(avi, index + 4, b"\0\0\0\x80"),
        "avi, index beyond the file": avi[: index + 8] + b"\xff" * (len(avi) - index - 8),
        "avi, recursive index": add_recursive_index(avi),
        "avi, rate 0": overwrite(avi, avi.index(b"strh") + 28, bytes(8)),
    }


def large_images(folder: Path) -> Files:
    """Return small files with very large images, and a sound file with a cover image."""
    huge, wide = png(16_000, 16_000), png(250_000, 1000)
    small = png(64, 64)
    audio = clips.write_audio(folder / "audio.m4a").read_bytes()
    cover = box(b"covr", box(b"data", b"\0\0\0\x0e\0\0\0\0" + small))
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    tags = box(
        b"udta",
        box(b"meta", bytes(4) + handler + box(b"ilst", cover)),
    )
    return {
        "png, 16000x16000": png_video(folder, [huge], 16_000, 16_000),
        "png, 250000x1000": png_video(folder, [wide], 16_000, 1000),
        "png, 16000x16000, header says 64x64": png_video(folder, [huge], 64, 64),
        "png, 64x64, then 16000x16000": png_video(folder, [small, huge, small], 64, 64),
        "m4a with a cover image": append_to_moov(audio, tags),
    }


def clip(folder: Path, name: str) -> bytes:
    """Return a clip of ten frames. Its name is the codec and the suffix, such as `h264.mp4`."""
    codec = {"h264": "libx264", "mpeg4": "mpeg4"}[name.partition(".")[0]]
    return clips.write_clip(folder / name, clips.barcodes(10), codec=codec).read_bytes()


def png_video(folder: Path, packets: list[bytes], width: int, height: int) -> bytes:
    """Return a video of PNG images. Its header has the given size, whatever that of the images."""
    path = folder / "png.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "gray"
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, clips.MILLISECONDS
            packet.pts = packet.dts = number * 100
            packet.is_keyframe = True
            container.mux(packet)
    return path.read_bytes()


def png(width: int, height: int) -> bytes:
    """Return a black PNG image with one bit for each pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
