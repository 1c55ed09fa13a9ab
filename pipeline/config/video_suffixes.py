"""The suffixes by which objects in a bucket are taken for videos."""

# Formats that cameras, phones, recorders and editors write and FFmpeg reads. Images are not among
# them: a GIF or a PNG in a bucket is seldom a film.
_DEFAULT = (
    ".264,.265,.3g2,.3gp,.asf,.avi,.dav,.divx,.dv,.f4v,.flv,.gxf,.h264,.h265,.hevc,.ivf,.m2t,.m2ts,"
    ".m2v,.m4v,.mj2,.mjpeg,.mjpg,.mkv,.mov,.mp4,.mpeg,.mpg,.mts,.mxf,.nut,.obu,.ogv,.rm,.rmvb,.ts,"
    ".vob,.webm,.wmv,.wtv,.y4m"
)


def video_suffixes(setting: str | None) -> tuple[str, ...]:
    """Return lower-case suffixes from the variable `VIDEO_SUFFIXES`, or the default ones.

    Args:
        setting: suffixes with commas between them; None or empty: the default.
    """
    return tuple(part.strip().lower() for part in (setting or _DEFAULT).split(","))
