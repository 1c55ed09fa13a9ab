"""The suffixes by which objects in a bucket are taken for videos."""

# Formats that cameras, phones and editors write and OpenCV's FFmpeg reads.
_DEFAULT = ".3gp,.avi,.flv,.m2ts,.m4v,.mkv,.mov,.mp4,.mpeg,.mpg,.mts,.mxf,.ogv,.ts,.vob,.webm,.wmv"


def video_suffixes(setting: str | None) -> tuple[str, ...]:
    """Return lower-case suffixes from the variable `VIDEO_SUFFIXES`, or the default ones.

    Args:
        setting: suffixes with commas between them; None or empty: the default.
    """
    return tuple(part.strip().lower() for part in (setting or _DEFAULT).split(","))
