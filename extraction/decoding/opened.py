"""A media file that nobody vouches for, opened; and which of its streams a player shows."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import av
from av.stream import Disposition

from extraction.decoding.recognise import container as container_of
from extraction.settings import Limits

FORMATS = "mov,matroska,avi,flv"
NOT_SHOWN = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent


class Refused(Exception):
    """A clip, or one of its streams, that is not used; the text is a problem's reason."""


@contextlib.contextmanager
def opened(path: Path, limits: Limits) -> Iterator:
    """Open a regular file as one of `FORMATS`, and let no file name another file or address.

    Raises:
        Refused: not such a file, empty, or too large.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise Refused("unreadable: not a regular file")
    if status.st_size == 0:
        raise Refused("empty: 0 bytes")
    if status.st_size > limits.megabytes * 1_000_000:
        raise Refused(f"too_large: {status.st_size / 1e6:.0f} MB is over the limit of {limits.megabytes} MB")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file", "max_pixels": str(limits.pixels)}
    try:
        container = av.open(f"file:{path.absolute()}", options=options, metadata_errors="ignore")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise Refused(f"unreadable: {container_of(path)[0]}") from error
    with container:
        yield container


def usable(streams):
    """The stream that a player shows: the default one, else the first; never a cover, a still or a depth map. None without a decoder."""
    shown = [stream for stream in streams if stream.codec_context is not None and not stream.disposition & NOT_SHOWN]
    return min(shown, key=lambda stream: (not stream.disposition & Disposition.default, _grey(stream)), default=None)


def _grey(stream) -> bool:
    """Whether a stream has no colours, as a depth map."""
    return str(getattr(stream.codec_context, "pix_fmt", "")).startswith("gray")
