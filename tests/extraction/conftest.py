from pathlib import Path

import av
import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared(name):
    """One of the shared folders; the test is skipped where it is not beside this checkout."""
    if not (SHARED / name).exists():
        pytest.skip(f"the shared {name} are not beside this checkout")
    return SHARED / name


@pytest.fixture
def shared_clips():
    return shared("clips")


@pytest.fixture
def shared_bad_clips():
    return shared("bad-clips")


@pytest.fixture
def shared_wild():
    return shared("wild")


def write_clip(path, codec="libx264", *, frames=40, rate=10, size=(64, 96), sound=True, options=None, container=None, seed=0):
    """A moving texture (its top third follows the frame number) with a tone."""
    random = np.random.default_rng(seed)
    width, height = size
    texture = np.kron(random.integers(0, 255, (height // 4 + 1, width // 4 + 1, 3)), np.ones((4, 4, 1)))[:height, :width].astype(np.uint8)
    with av.open(str(path), "w", format=container, options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as file:
        video = file.add_stream(codec, rate=rate, options=options or {})
        video.width, video.height, video.pix_fmt = width, height, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        audio = file.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48_000, layout="stereo") if sound else None
        for number in range(frames):
            picture = np.roll(texture, 3 * number, axis=1)
            picture[: height // 3] = 255 * number // frames
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(video.encode())
        if audio is not None:
            time = np.arange(48_000 * frames // rate) / 48_000
            tone = np.tile(np.sin(2 * np.pi * 440 * time).astype(np.float32), (2, 1))
            block = av.AudioFrame.from_ndarray(tone, format="fltp", layout="stereo")
            block.sample_rate = 48_000
            file.mux(audio.encode(block))
            file.mux(audio.encode())
    return path


@pytest.fixture
def clip(tmp_path):
    return lambda name="clip.mp4", *arguments, **options: write_clip(tmp_path / name, *arguments, **options)
