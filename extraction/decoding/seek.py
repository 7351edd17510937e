"""Walk through a video stream to chosen frames, seeking only where it saves decoding."""

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import av

from extraction.decoding.opened import opened, usable
from extraction.decoding.timeline import Timeline
from extraction.settings import Limits


class Walker:
    """Gives frames by ascending presentation time, exactly those that decoding every frame would give.

    Args:
        path: the media file, opened again where the container cannot seek.
        container: the open file.
        timeline: of its video stream.
        wanted: the times that will be asked for.
        limits: what is refused.

    Attributes:
        errors: packets that could not be decoded so far.
        refusal: why nothing can be decoded, or an empty text.
    """

    def __init__(self, path: Path, container, timeline: Timeline, wanted: Collection[int], limits: Limits) -> None:
        self.errors = 0
        self.refusal = ""
        self._path, self._container, self._timeline, self._limits = path, container, timeline, limits
        self._wanted = frozenset(wanted)
        self._places = {shown: place for place, shown in enumerate(timeline.shown)}
        self._stack = contextlib.ExitStack()
        self._seeks = timeline.exact and len(self._places) == len(timeline.shown)
        self._place = -1  # of the last packet given to the decoder
        self._frames: Any = None
        self._current: Any = None
        self._ahead: Any = None
        self._prepare()

    def frame(self, time: int):
        """The frame on show at `time`: the last one that is not later, else the first one; None if none can be decoded."""
        key = self._timeline.key_for(time)
        if self._frames is None or (self._seeks and key > self._place):
            self._start(key)
        while self._current is None or self._current.pts < time:
            if self._ahead is None:
                self._ahead = next(self._frames, None)
            if self._ahead is None or (self._current is not None and self._ahead.pts > time):
                break
            self._current, self._ahead = self._ahead, None
        return self._current

    def close(self) -> None:
        """Close what was opened beyond the container given."""
        self._stack.close()

    def _start(self, key: int) -> None:
        """Begin at or before the packet at place `key`."""
        if self._seeks:
            packets = self._packets_after_seek(key)
            if packets is not None:
                self._frames = self._decoded(*packets)
                return
            self._seeks = False
        self._container = self._stack.enter_context(opened(self._path, self._limits))
        self._prepare()
        self._place = -1
        self._frames = self._decoded(None, self._container.demux(self._stream))

    def _packets_after_seek(self, key: int):
        """The first packet after seeking and the rest, or None where the container cannot be trusted to seek."""
        dts, pts = self._timeline.marks[key]
        for moment in (pts, dts):  # mp4 looks for what is shown by then, others for what is decoded
            if moment is None:
                continue
            try:
                self._container.seek(moment, stream=self._stream, backward=True)
                packets = self._container.demux(self._stream)
                first = next(packets)
            except (av.FFmpegError, StopIteration):
                continue
            place = self._places.get(first.pts)
            if place is not None and place <= key and self._timeline.keys[place]:
                self._place = place - 1
                return first, packets
        return None

    def _prepare(self) -> None:
        self._stream = usable(self._container.streams.video)
        context = self._stream.codec_context
        if not context.is_open:
            context.options = {"max_pixels": str(self._limits.pixels)}
            context.thread_count = 1
            context.thread_type = "NONE"

    def _skip(self, packet) -> None:
        """Let the decoder pass over a frame that nobody wants and no other frame refers to (H.264 marks them)."""
        context = self._stream.codec_context
        if context.name == "h264" and self._timeline.exact:
            context.skip_frame = "NONREF" if packet.size and packet.pts not in self._wanted else "DEFAULT"

    def _decoded(self, first, packets):
        self._current = self._ahead = None
        context = self._stream.codec_context
        latest = None
        for packet in _chain(first, packets):
            self._place += packet.size > 0
            self._skip(packet)
            try:
                frames = context.decode(packet if packet.size else None)
            except (av.FFmpegError, ValueError) as error:
                if not context.is_open:
                    self.refusal = f"bad_size: the decoder refuses to start ({error})"
                    return
                self.errors += 1
                continue
            for frame in frames:
                if frame.pts is None:
                    frame.pts = frame.dts if frame.dts is not None else (latest or 0) + 1
                latest = frame.pts
                yield frame


def _chain(first, packets):
    if first is not None:
        yield first
    try:
        yield from packets
    except av.FFmpegError:
        return
