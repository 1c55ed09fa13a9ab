"""Hostile files: texts that name others, liars, bombs, absurd counts. Each is small, and made here.

Playlists that read files are not invented: https://nvd.nist.gov/vuln/detail/CVE-2016-1897
"""

import io
import struct
import zlib
from pathlib import Path

import av
from PIL import Image as PillowImage

from tests.support import clips, container_bytes

Files = dict[str, bytes]


def no_videos(decoy: Path, url: str) -> Files:
    """Make what only calls itself a video; the decoy and the URL are what it tries to reach."""
    return {**texts(decoy, url), **other_kinds()}


def odd_videos(folder: Path, decoy: Path, url: str) -> Files:
    """Make what starts as a video does."""
    return {**references(folder, decoy, url), **counts(folder), **bombs(folder)}


def texts(decoy: Path, url: str) -> Files:
    """Playlists and scripts that name the decoy: relative, absolute, by file: and by http:."""
    named = {"relative": decoy.name, "absolute": f"{decoy}", "file": f"file://{decoy}", "http": url}
    made: dict[str, str] = {}
    for how, target in named.items():
        made |= {
            f"HLS, {how}": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n",
            f"ffconcat, {how}": f"ffconcat version 1.0\nfile '{target}'\n",
            f"DASH, {how}": f"<?xml version='1.0'?><MPD><BaseURL>{target}</BaseURL></MPD>",
            f"concat:, {how}": f"concat:{target}|{target}",
            f"subfile:, {how}": f"subfile,,start,0,end,9,,:{target}",
            f"ASX, {how}": f"<asx><entry><ref href='{target}'/></entry></asx>",
            f"reference, {how}": f"[Reference]\nRef1={target}\n",
        }
    made |= {
        "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nm=video 5004 RTP/AVP 96\n",
        "RTSP": f"RTSPtext{url.replace('http', 'rtsp')}",
        "lavfi": f"movie={decoy}",
        "sequence": "frame_%03d.png",
    }
    return {name: text.encode() for name, text in made.items()}


def other_kinds() -> Files:
    """Files that are something else, whatever they are called."""
    pictures = {}
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        buffer = io.BytesIO()
        PillowImage.new("RGB", (64, 64)).save(buffer, kind)
        pictures[kind] = buffer.getvalue()
    return {
        **pictures,
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
    """Real containers whose headers point at other files."""
    mp4 = clip(folder, "h264.mp4")
    mkv = clip(folder, "h264.mkv")
    here = container_bytes.box(b"url ", b"\0\0\0\1")
    assert here in mp4
    made = {}
    for how, target in (("file", f"file://{decoy}"), ("http", url), ("relative", decoy.name)):
        there = container_bytes.box(b"url ", bytes(4) + target.encode() + b"\0")
        made[f"mov, data elsewhere, {how}"] = container_bytes.replace_in_boxes(
            mp4, (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"), here, there
        )
        link = container_bytes.box(
            b"rdrf", b"\0\0\0\0url " + struct.pack(">I", len(target)) + target.encode()
        )
        made[f"mov, movie elsewhere, {how}"] = container_bytes.box(
            b"ftyp", b"qt  "
        ) + container_bytes.box(
            b"moov", container_bytes.box(b"rmra", container_bytes.box(b"rmda", link))
        )
    linked = container_bytes.element(
        0x1549A966,
        container_bytes.element(0x73A4, b"a" * 16) + container_bytes.element(0x3EB923, b"b" * 16),
    )
    attached = container_bytes.element(
        0x1941A469,
        container_bytes.element(
            0x61A7,
            container_bytes.element(0x466E, decoy.name.encode())
            + container_bytes.element(0x4660, b"application/x-truetype-font")
            + container_bytes.element(0x465C, b"\0\1\0\0" * 20)
            + container_bytes.element(0x46AE, b"\1"),
        ),
    )
    made["mkv, segment linked"] = container_bytes.append_to_segment(mkv, linked)
    made["mkv, font attached"] = container_bytes.append_to_segment(mkv, attached)
    return made


def counts(folder: Path) -> Files:
    """Headers that count, nest or measure beyond all measure."""
    mp4, avi = clip(folder, "h264.mp4"), clip(folder, "mpeg4.avi")
    mkv, ts = clip(folder, "h264.mkv"), clip(folder, "h264.ts")
    made = {}
    for kind in (b"stts", b"stsc", b"stsz", b"stco"):
        at = mp4.index(kind) + (12 if kind == b"stsz" else 8)
        made[f"mp4, 2^31 entries of {kind.decode()}"] = container_bytes.patch(
            mp4, at, b"\x80\0\0\0"
        )
        made[f"mp4, 2^32 entries of {kind.decode()}"] = container_bytes.patch(
            mp4, at, b"\xff\xff\xff\xff"
        )
    slow = container_bytes.patch(mp4, mp4.index(b"stts") + 16, b"\x0f\xff\xff\xff")
    made["mp4, 70 hours"] = slow.replace(b"edts", b"free")
    trak = next(
        payload
        for kind, payload in container_bytes.boxes(dict(container_bytes.boxes(mp4))[b"moov"])
        if kind == b"trak"
    )
    for number in (300, 2000):
        made[f"mp4, {number} streams"] = container_bytes.insert_in_moov(
            mp4, container_bytes.box(b"trak", trak) * number
        )
    for kind in (b"moov", b"udta", b"meta"):
        made[f"mp4, 10,000 nested {kind.decode()}"] = container_bytes.box(
            b"ftyp", b"isom"
        ) + container_bytes.nested(kind, 10_000)
    cluster = mkv.index(b"\x1f\x43\xb6\x75")
    giant = b"\x01" + b"\xff" * 6 + b"\xfe"
    made["mkv, a giant cluster"] = container_bytes.patch(mkv, cluster + 4, giant)
    tracks = mkv.index(b"\x16\x54\xae\x6b")
    made["mkv, giant tracks"] = container_bytes.patch(mkv, tracks + 4, giant)
    head = mkv[: mkv.index(b"\x18\x53\x80\x67")]
    made["mkv, 10,000 nested tags"] = container_bytes.append_to_segment(
        mkv, container_bytes.nested_elements(0x67C8, 10_000)
    )
    made["mkv, an endless header"] = head + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + bytes(10**6)
    index = avi.index(b"idx1")
    made["avi, index of 2^31 bytes"] = container_bytes.patch(avi, index + 4, b"\0\0\0\x80")
    made["avi, index to nowhere"] = avi[: index + 8] + b"\xff" * (len(avi) - index - 8)
    made["avi, index to itself"] = container_bytes.superindex(avi)
    made["avi, rate 0"] = container_bytes.patch(avi, avi.index(b"strh") + 28, bytes(8))
    made["ts, 200 programs of 20 streams"] = container_bytes.programs(200, 20) * 2 + ts
    made["ts, nothing but syncs"] = (b"\x47" + b"\xff" * (container_bytes.TS_PACKET - 1)) * 5000
    return made


def bombs(folder: Path) -> Files:
    """Few bytes, many pixels; and a cover that is all the picture there is."""
    huge, wide = png(16_000, 16_000), png(250_000, 1000)
    small = png(64, 64)
    sound = clips.write_sound(folder / "sound.m4a").read_bytes()
    cover = container_bytes.box(
        b"covr", container_bytes.box(b"data", b"\0\0\0\x0e\0\0\0\0" + small)
    )
    handler = container_bytes.box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    tags = container_bytes.box(
        b"udta",
        container_bytes.box(b"meta", bytes(4) + handler + container_bytes.box(b"ilst", cover)),
    )
    return {
        "png, 16000x16000": pictures(folder, "mov", [huge], 16_000, 16_000),
        "png, 250000x1000": pictures(folder, "mov", [wide], 16_000, 1000),
        "png, 16000x16000 under 64x64": pictures(folder, "mov", [huge], 64, 64),
        "png, 64x64, then 16000x16000": pictures(folder, "mov", [small, huge, small], 64, 64),
        "m4a with a cover": container_bytes.insert_in_moov(sound, tags),
    }


def clip(folder: Path, name: str) -> bytes:
    """Encode ten frames; the name's stem says the codec."""
    codec = {"h264": "libx264", "mpeg4": "mpeg4"}[name.partition(".")[0]]
    images = [clips.barcode(number) for number in range(10)]
    return clips.write_clip(folder / name, images, codec=codec).read_bytes()


def pictures(folder: Path, suffix: str, packets: list[bytes], width: int, height: int) -> bytes:
    """Mux PNG pictures, under a header of any size."""
    path = folder / f"pictures.{suffix}"
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
    """Return a black picture of one bit a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
