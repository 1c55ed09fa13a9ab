"""The rejections of videos that a backend cannot convert to images."""

from __future__ import annotations

from pipeline.errors import RejectedError

_USE_PYAV = "Install pretag[pyav] and leave decoding.backend at auto"


def interlaced_error(name: str, index: int) -> RejectedError:
    """Return the rejection of a video with an interlaced frame, which OpenCV cannot convert."""
    return RejectedError(
        "interlaced",
        f"{name} is interlaced, which OpenCV cannot convert to images (frame {index}). "
        f"{_USE_PYAV}, or deinterlace it first, which keeps the frame rate: "
        "ffmpeg -i IN -vf bwdif=mode=send_frame OUT.mp4",
    )


def refused_error(name: str, index: int, said: str) -> RejectedError:
    """Return the rejection for a frame that OpenCV could not convert; `said` is FFmpeg's log."""
    if "interlaced" in said:
        return interlaced_error(name, index)
    return RejectedError(
        "unconvertible",
        f"{name} has frames that OpenCV cannot convert to images (frame {index}): FFmpeg refuses "
        f"their colour tags or their size. {_USE_PYAV}.",
    )


def unwritten_error(name: str, index: int) -> RejectedError:
    """Return the rejection for a frame that was not converted, where FFmpeg's log is unread."""
    return RejectedError(
        "unconvertible",
        f"{name} has frames that OpenCV cannot convert to images (frame {index}): they are "
        f"interlaced, or FFmpeg refuses their colour tags. {_USE_PYAV}.",
    )


def unconvertible_error(name: str, index: int) -> RejectedError:
    """Return the rejection for a frame whose pixel format or colours cannot be converted."""
    return RejectedError(
        "unconvertible",
        f"{name} has frames that cannot be converted to images (frame {index}): their pixel format "
        "or colour tags are not supported. Convert it first: ffmpeg -i IN -vf setparams="
        "colorspace=bt709:color_primaries=bt709:color_trc=bt709 -c:v libx264 -pix_fmt yuv420p "
        "OUT.mp4",
    )


def picture_first_error(name: str) -> RejectedError:
    """Return the rejection of a file whose first picture is none of a video."""
    return RejectedError(
        "no_video_stream",
        f"{name} begins with a photo or a cover image, which OpenCV takes for the video. "
        f"{_USE_PYAV}, which finds the video if there is one.",
    )


def bottom_up_error(name: str) -> RejectedError:
    """Return the rejection of raw images with the last row first, which OpenCV must not decode."""
    return RejectedError(
        "unconvertible",
        f"{name} has raw images whose rows run from the bottom up, which OpenCV cannot convert. "
        f"{_USE_PYAV}, or convert it first: ffmpeg -i IN -c:v libx264 OUT.mp4",
    )
