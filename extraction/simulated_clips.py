"""A simulated world with media: small mp4 files whose looks and sound carry parts of a hidden z, and popularity that depends on z.

    z in R^4 ~ Normal(0, I)                          # two of looks, two of sound
    picture | z_0, z_1                               # brightness; width and speed of the stripes, and their colour
    sound | z_2, z_3                                 # pitch; loudness and rhythm
    popularity | z, followers ~ Normal(B z + ..., Sigma)    # log(1 + counts) of four counts

No picture tells anything about the sound's half of z, nor the other way round.

Run: python -m extraction.simulated_clips --out DIR --videos N --seed S
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from features.tables.columns import COUNTS
from machine.files import writing

WIDTH, HEIGHT, RATE, FRAMES_EACH = 96, 160, 8, 12
SOUND_RATE = 16_000
NOW = 1_700_000_000
EFFECT = np.array([[0.9, 0.7, 0.9, 0.7], [0.8, 0.8, 0.9, 0.6], [0.6, 0.7, 0.7, 0.9], [0.9, 0.5, 0.6, 0.8]])
BASE = np.array([11.0, 8.5, 6.0, 5.5])
COLUMNS = ("id", "username", "create_time", "collected_at", "video_duration", "follower_count", *COUNTS, "video_path")


def simulate(out: Path, videos: int, seed: int = 0) -> np.ndarray:
    """Write a folder with videos.csv and clips/*.mp4.

    Args:
        out: the folder.
        videos: how many.
        seed: of everything random; the first videos are the same whatever their number.

    Returns:
        z, float64 (videos, 4).
    """
    (out / "clips").mkdir(parents=True, exist_ok=True)
    hidden, rows = np.empty((videos, 4)), []
    for number in range(videos):
        random = np.random.default_rng([seed, number])
        z = hidden[number] = random.normal(size=4)
        name = f"clips/{number:05d}.mp4"
        render(out / name, pictures(z, random), sound(z, random))
        followers = np.exp(random.normal(9.0, 1.5))
        common, own = random.normal(), random.normal(size=4)
        logs = BASE + EFFECT @ z + 0.3 * (np.log(followers) - 9.0) + 0.3 * common + 0.3 * own
        counts = np.maximum(np.round(np.expm1(logs)), 0).astype(int)
        age = random.uniform(1, 30) * 86_400
        rows.append([f"clip{number:05d}", f"author{number // 4}", int(NOW - age), NOW, FRAMES_EACH / RATE, int(followers), *counts, name])
    with writing(out / "videos.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(rows)
    return hidden


def pictures(z: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Moving stripes, uint8 (frames, height, width, 3): z_0 is brightness, z_1 their width, speed and colour."""
    bright, stripes = ndtr(z[0]), ndtr(z[1])
    light, dark = np.array([1.0, 1.0 - stripes, stripes]), np.array([0.25, 0.25, 0.25])
    period, angle = 4.0 * 10.0**stripes, random.uniform(-0.5, 0.5)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frames = []
    for number in range(FRAMES_EACH):
        wave = 0.5 + 0.5 * np.sin(2 * np.pi * (rows + angle * columns + number * (1 + 6 * stripes)) / period)
        colour = dark + wave[:, :, None] * (light - dark)
        frames.append((20 + 215 * bright) * colour + random.normal(0, 6, (HEIGHT, WIDTH, 1)))
    return np.clip(frames, 0, 255).astype(np.uint8)


def sound(z: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A pulsing tone, float32 (samples,) at 16 kHz: z_2 is its pitch, z_3 its loudness and rhythm."""
    pitch, loud = ndtr(z[2]), ndtr(z[3])
    time = np.arange(SOUND_RATE * FRAMES_EACH // RATE) / SOUND_RATE
    tone = sum(np.sin(2 * np.pi * harmonic * 150 * 2 ** (4 * pitch) * time) / harmonic for harmonic in (1, 2, 3))
    pulse = 0.55 + 0.45 * np.sign(np.sin(2 * np.pi * (1.5 + 6 * loud) * time + random.uniform(0, 6)))
    noise = random.normal(0, 0.002, len(time))
    return (10 ** (-2.0 + 1.7 * loud) * 0.5 * tone * pulse + noise).astype(np.float32)


def render(path: Path, frames: np.ndarray, samples: np.ndarray) -> None:
    """Encode an mp4 (H.264 and AAC) of frames, uint8 (N, height, width, 3), and samples, float32 (T,)."""
    import av

    with writing(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "23", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        video.codec_context.thread_count = 1
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(video.encode())
        block = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        block.sample_rate = SOUND_RATE
        container.mux(audio.encode(block))
        container.mux(audio.encode())


def main() -> None:
    """Write a simulated folder."""
    parser = argparse.ArgumentParser(description="Render a simulated world of small clips, to try extract.py, train.py and evaluate.py.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--videos", type=int, default=200, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of everything random (default: %(default)s)")
    options = parser.parse_args()
    simulate(options.out, options.videos, options.seed)
    print(f"{options.videos} clips\nnext: python extract.py --videos {options.out} --out data")


if __name__ == "__main__":
    main()
