"""What extraction costs, as ratios that hold on any machine: seeking, the whole command against its pieces, two workers against one.

Run: python -m benchmarks.extract [CLIP]    (a 15 s portrait h264 clip; without it, one is rendered)
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np

from extraction.acoustic import acoustic_features
from extraction.decoding.decode import read_clip
from extraction.decoding.opened import opened, usable
from extraction.decoding.picture import turned
from extraction.decoding.seek import Walker
from extraction.decoding.timeline import Timeline
from extraction.settings import FRAMES, Limits, Settings
from extraction.visual import BACKBONES, Network

LIMITS = Limits()
CLIPS, FEW, ROUNDS = 8, 2, 3


def render(path: Path, seconds: int, every: int, *, width: int = 576, height: int = 1024, rate: int = 30) -> None:
    """Encode a textured, moving clip with sound and a keyframe every `every` frames; whole minutes repeat their first ten seconds."""
    noise = np.random.default_rng(0)
    texture = np.kron(noise.integers(0, 255, (height // 8 + 40, width // 8 + 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    unique = (seconds if seconds % 60 else 10) * rate
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "g": str(every), "crf": "26"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="mono")
        packets = []
        for number in range(unique):
            shift = number % 300
            picture = np.roll(texture, number * 3, axis=1)[shift : shift + height, :width]
            packets += video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24"))
        packets += video.encode()
        for repeat in range(seconds * rate // unique):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts = (packet.pts or 0) + repeat * unique, (packet.dts or 0) + repeat * unique
                copy.time_base, copy.stream, copy.is_keyframe = Fraction(1, rate), video, packet.is_keyframe
                container.mux(copy)
        tone = np.sin(np.arange(44_100 * seconds) * 0.05).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(audio.encode(frame) + audio.encode())


def chosen(path: Path) -> None:
    """Ten frames as extraction finds them, as RGB."""
    with opened(path, LIMITS) as container:
        stream, timeline = usable(container.streams.video), Timeline()
        for packet in container.demux(stream):
            if packet.size:
                timeline.add(packet)
        targets = timeline.midpoints(FRAMES)
        walker = Walker(path, container, timeline, targets, LIMITS)
        assert all(turned(walker.frame(target)).size for target in targets)


def everything(path: Path, convert: bool) -> None:
    """Decode every frame; `convert` every one to RGB, or none."""
    with opened(path, LIMITS) as container:
        stream = usable(container.streams.video)
        stream.thread_count, stream.thread_type = 1, "NONE"
        assert all(turned(frame).size if convert else frame.width for frame in container.decode(stream))


def processor(action: Callable[[], object], repeats: int = 5) -> float:
    """Least seconds of processor time of this process: other work on the machine only adds to it."""
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        action()
        spent.append(time.process_time() - began)
    return min(spent)


def pieces(clip: Path, network: Network) -> float:
    """Processor seconds of decoding, ResNet50 and MFCC of one clip, each measured alone."""
    decoded = read_clip(clip, 232, 224, LIMITS)
    assert decoded.frames is not None
    assert decoded.sound is not None
    frames, sound = decoded.frames, decoded.sound
    parts = (lambda: read_clip(clip, 232, 224, LIMITS), lambda: network.features(frames), lambda: acoustic_features(sound))
    return sum(processor(part) for part in parts)


def command(folder: Path, out: Path, weights: Path, workers: int) -> tuple[float, float]:
    """Wall and processor seconds of extract.py for `CLIPS` clips, without its start: a run over them all less one over `FEW`."""
    root = Path(__file__).resolve().parents[1]
    spent = []
    for count in (FEW, FEW + CLIPS):
        table = folder / "videos.csv"
        table.write_text("id,video_path\n" + "".join(f"{number},{number:02d}.mp4\n" for number in range(count)))
        line = [
            sys.executable,
            str(root / "extract.py"),
            "--videos",
            str(table),
            "--out",
            str(out / str(count)),
            "--visual-weights",
            str(weights),
        ]
        began, used = time.perf_counter(), _children()
        subprocess.run([*line, "--workers", str(workers), "--device", "cpu"], check=True, capture_output=True)
        spent.append((time.perf_counter() - began, _children() - used))
    return spent[1][0] - spent[0][0], spent[1][1] - spent[0][1]


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the ratios."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        short, long, weights, folder = work / "short.mp4", work / "long.mp4", work / "weights.pt", work / "clips"
        if len(sys.argv) > 1:
            short = Path(sys.argv[1])
        else:
            render(short, 15, 250)
        render(long, 180, 30)
        for label, path, repeats, most in (("15 s", short, 5, 0.65), ("180 s", long, 1, 0.10)):
            ten = processor(partial(chosen, path), repeats)
            plain, rgb = (processor(partial(everything, path, convert), repeats) for convert in (False, True))
            print(f"{label}: ten frames / every frame, as RGB {ten / rgb:.3f} (at most {most:.2f}), decoded only {ten / plain:.3f}")
        torch.save(BACKBONES["resnet50"].build().state_dict(), weights)
        folder.mkdir()
        for number in range(FEW + CLIPS):
            # a free box at the end makes the contents differ, so that each is extracted
            (folder / f"{number:02d}.mp4").write_bytes(short.read_bytes() + (9).to_bytes(4) + b"free" + bytes([number]))
        network = Network(Settings(weights=str(weights)))
        network.features(np.zeros((FRAMES, 224, 224, 3), np.uint8))  # warm up
        alone = pieces(short, network)
        wall, used = np.array(
            [[command(folder, work / f"out{n}-{workers}", weights, workers) for workers in (1, 2)] for n in range(ROUNDS)]
        ).T
        own, faster = np.median(CLIPS * alone / used[0]), np.median(wall[0] / wall[1])
        print(f"clips a minute, one worker / pieces alone: {own:.3f} by processor time (at least 0.90; median of {ROUNDS})")
        print(f"two workers / one: {faster:.3f} by wall time (at least 1.70, on two free cores; median of {ROUNDS}, taken in turns)")


if __name__ == "__main__":
    main()
