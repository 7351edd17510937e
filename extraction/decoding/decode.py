"""Ten frames and the sound of a media file that nobody vouches for. Runs inside `extraction.decoding.sandbox` only."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import av
import numpy as np

from extraction.decoding.opened import Refused, opened, usable
from extraction.decoding.picture import even, square
from extraction.decoding.seek import Walker
from extraction.decoding.sound import Sound
from extraction.decoding.timeline import Timeline
from extraction.settings import FRAMES, Limits, Problem


@dataclass
class Clip:
    """What a media file gave.

    Attributes:
        frames: uint8 (10, crop, crop, 3) or None.
        sound: float32 samples at 16 kHz, mono, or None.
        problems: in the order in which they appeared.
    """

    frames: np.ndarray | None = None
    sound: np.ndarray | None = None
    problems: list[Problem] = field(default_factory=list)

    def note(self, stage: str, reason: str) -> None:
        """Record a problem."""
        self.problems.append(Problem(stage, reason))


def read_clip(path: Path, resize: int, crop: int, limits: Limits, indexed: Callable[[float], None] = lambda seconds: None) -> Clip:
    """Read ten frames and the sound track.

    Args:
        path: the media file.
        resize: see `extraction.decoding.picture.square`.
        crop: see there.
        limits: what is refused.
        indexed: called with the real duration in seconds as soon as it is known.
    """
    clip = Clip()
    try:
        with opened(path, limits) as container:
            video, audio = usable(container.streams.video), usable(container.streams.audio)
            timeline, clip.sound = _scan(container, video, audio, limits, clip)
            if video is None:
                clip.note("video", "no_video: it has no video track that can be decoded")
            elif len(timeline) == 0:
                clip.note("video", "no_video: its video track is empty")
            else:
                seconds = float((timeline.span()[1] - timeline.span()[0]) * video.time_base)
                indexed(min(seconds, len(timeline) / 10))
                ratio = float(video.sample_aspect_ratio or 1)
                clip.frames = _pictures(path, container, timeline, partial(square, resize=resize, crop=crop, ratio=ratio), limits, clip)
    except Refused as refused:
        clip.note("open", str(refused))
    return clip


def _scan(container, video, audio, limits: Limits, clip: Clip) -> tuple[Timeline, np.ndarray | None]:
    """One pass over all packets: the timeline of the video and the decoded sound."""
    if video is None and audio is None:
        raise Refused("unreadable: it has neither a video nor a sound track that can be decoded")
    if video is not None and video.codec_context.width * video.codec_context.height > limits.pixels:
        width, height = video.codec_context.width, video.codec_context.height
        raise Refused(f"bad_size: {width}x{height} is over the limit of {limits.pixels} pixels")
    timeline, sound = Timeline(), Sound(audio, limits.sound_seconds) if audio is not None else None
    ends = {stream.index: 0 for stream in (video, audio) if stream is not None}  # in ticks
    try:
        for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
            if packet.size == 0:
                continue
            moment = packet.pts if packet.pts is not None else packet.dts
            if moment is not None:
                ends[packet.stream_index] = max(ends[packet.stream_index], moment + (packet.duration or 0))
            if packet.stream is video:
                timeline.add(packet)
            elif sound is not None:
                sound.add(packet)
    except av.FFmpegError as error:
        clip.note("index", f"decode_error: the file breaks off ({error.strerror})")
    # the header counts from where the first track begins (another one may begin later), or, in Matroska, from zero
    begin = (container.start_time or 0) / 1e6
    end = max(float(ends[stream.index] * stream.time_base) for stream in (video, audio) if stream is not None) - begin
    header, slack = (container.duration or 0) / 1e6, 0.1 * end + 0.5
    if header > end + slack and abs(header - begin - end) > slack:
        clip.note("index", f"duration: the header says {header:g} s but the packets end after {end:.3g} s (truncated file or false header)")
    samples, reason = sound.finish() if sound is not None else (None, "no_sound: it has no sound track that can be decoded")
    if reason:
        clip.note("sound", reason)
    return timeline, samples


def _pictures(path: Path, container, timeline: Timeline, seen: Callable, limits: Limits, clip: Clip) -> np.ndarray | None:
    targets = timeline.midpoints(FRAMES)
    walker = Walker(path, container, timeline, targets, limits)
    pictures: list[np.ndarray] = []
    times: list[int] = []
    damaged = 0
    with contextlib.closing(walker):
        for target in targets:
            frame = walker.frame(target)
            if frame is None:
                break
            if not times or frame.pts != times[-1]:
                picture = seen(frame)
            pictures.append(picture)
            times.append(frame.pts)
            damaged += bool(frame.is_corrupt)
    if walker.refusal:
        clip.note("video", walker.refusal)
    if walker.errors or damaged:
        clip.note("video", f"decode_error: {walker.errors} packets could not be decoded, {damaged} of {FRAMES} frames may be damaged")
    if not pictures:
        clip.note("video", "decode_error: not one frame could be decoded")
        return None
    if (walker.errors or damaged) and 2 * sum(map(even, pictures)) >= len(pictures):
        clip.note("video", "decode_error: most frames are of one colour, which stands for what cannot be decoded (encrypted?)")
        return None
    if len(set(times)) < FRAMES:
        clip.note("video", f"distinct_frames={len(set(times))}: fewer than {FRAMES} different frames")
    return np.stack(pictures)
