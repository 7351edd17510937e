"""The sound track, packet by packet, to 16 kHz mono."""

import av
import numpy as np

from extraction.settings import SAMPLE_RATE


class Sound:
    """Collects the samples of one audio stream."""

    def __init__(self, stream, longest: int) -> None:
        self._stream = stream
        self._room = longest * SAMPLE_RATE
        self._longest = longest
        self._blocks: list[np.ndarray] = []
        self._errors = 0
        self._resampler: av.AudioResampler | None = None
        self._shape: tuple | None = None
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "NONE"

    def add(self, packet) -> None:
        """Decode one packet; a damaged one is counted."""
        if self._room < 0:
            return
        try:
            frames = self._stream.codec_context.decode(packet)
        except (av.FFmpegError, ValueError):
            self._errors += 1
            return
        for frame in frames:
            shape = (frame.format.name, frame.layout.name, frame.sample_rate)
            if shape != self._shape:
                # a stream may change its rate or channels on the way
                self._resample(None)
                self._resampler, self._shape = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE), shape
            frame.pts = None
            self._resample(frame)

    def finish(self) -> tuple[np.ndarray | None, str]:
        """All samples, float32 (T,), or None; and what is wrong with them, or an empty text."""
        if self._stream.codec_context.is_open:
            self.add(None)
        self._resample(None)
        if self._room < 0:
            return None, f"too_long: the sound track is longer than {self._longest} s"
        if sum(map(len, self._blocks)) == 0:
            return None, f"no_sound: no sample could be decoded ({self._errors} damaged packets)"
        samples = np.concatenate(self._blocks)
        self._blocks.clear()
        if 2 * np.count_nonzero(np.isfinite(samples)) < len(samples):
            return None, "not_finite: most samples of its sound are not finite numbers"
        samples = np.nan_to_num(samples, copy=False, posinf=0.0, neginf=0.0)
        return samples, f"decode_error: {self._errors} packets of sound could not be decoded" if self._errors else ""

    def _resample(self, frame) -> None:
        """Take the samples of a frame, or what the resampler still holds."""
        if self._resampler is None:
            return
        try:
            for part in self._resampler.resample(frame):
                block = np.frombuffer(memoryview(part.planes[0]), np.float32, part.samples).copy()
                self._blocks.append(block)
                self._room -= len(block)
        except (av.FFmpegError, ValueError):
            self._errors += 1
