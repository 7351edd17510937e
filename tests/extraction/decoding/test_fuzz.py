"""Clips with random damage: each ends in frames and sound of the right kind, or in a reason, and the decoder goes on."""

import os
import time

import numpy as np
import pytest

from extraction.decoding.worker import Decoder
from extraction.settings import Limits

DAMAGED = 300 if os.environ.get("NIGHTLY") else 24
KINDS = (("clip.mp4", "libx264"), ("clip.webm", "libvpx"), ("clip.mkv", "mpeg4"))


def damage(content: bytes, random: np.random.Generator) -> bytes:
    """One of: bytes changed (also only near the start, where headers are), the end cut off, a stretch doubled, zeros, or swapped."""
    data = bytearray(content)
    first, second = sorted(random.integers(0, len(data), 2))
    kind = random.integers(6)
    if kind <= 1:
        reach = len(data) if kind == 0 else min(len(data), 2000)
        for place in random.integers(0, reach, random.integers(1, 60)):
            data[place] = random.integers(256)
    elif kind == 2:
        del data[first:]
    elif kind == 3:
        data[first:first] = data[first:second]
    elif kind == 4:
        data[first:second] = bytes(second - first)
    else:
        middle = (first + second) // 2
        data[first:second] = data[middle:second] + data[first:middle]
    return bytes(data)


@pytest.mark.slow
def test_damaged_clips_end_in_features_or_a_reason(clip, tmp_path):
    whole = [clip(name, codec).read_bytes() for name, codec in KINDS]
    read = 0
    with Decoder(96, 64, Limits(seconds=4.0)) as decoder:
        for number in range(DAMAGED):
            path = tmp_path / f"{number}{KINDS[number % 3][0][4:]}"
            path.write_bytes(damage(whole[number % 3], np.random.default_rng(number)))
            began = time.monotonic()
            frames, sound, problems, _ = decoder.read(path)
            assert time.monotonic() - began < 10, path
            assert decoder.megabytes() < 500, path
            assert frames is None or (frames.shape == (10, 64, 64, 3) and frames.dtype == np.uint8), path
            assert sound is None or (sound.ndim == 1 and np.isfinite(sound).all()), path
            assert frames is not None or problems, path
            assert all(problem.stage and problem.reason and "\n" not in problem.reason for problem in problems), path
            read += frames is not None
    # damage that always, or never, mattered would test nothing
    assert DAMAGED // 10 < read < DAMAGED
