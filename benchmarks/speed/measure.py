"""How ratios are measured: two sides take turns, so that other work on the machine moves both; and peak memory of a process."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

ROOT = Path(__file__).resolve().parents[2]


class Entry(NamedTuple):
    """One ratio, and what it must not exceed."""

    name: str
    ratio: float
    bound: float

    @property
    def holds(self) -> bool:
        """Whether it does not."""
        return self.ratio <= self.bound

    def to_dict(self) -> dict:
        """For --json."""
        return {"name": self.name, "ratio": round(self.ratio, 4), "bound": self.bound, "holds": self.holds}


class Turns(NamedTuple):
    """Seconds of each side in each round."""

    seconds: Mapping[str, Sequence[float]]

    def ratio(self, side: str, other: str) -> float:
        """Median over rounds of one side's seconds over the other's: what is slow for a while is slow for both."""
        return statistics.median(a / b for a, b in zip(self.seconds[side], self.seconds[other], strict=True))

    def best(self, sides: Iterable[str]) -> str:
        """The side of the lowest median."""
        return min(sides, key=lambda side: statistics.median(self.seconds[side]))


def turns(sides: Mapping[str, Callable[[], object]], rounds: int, device: torch.device | None = None) -> Turns:
    """Seconds of the sides, taken in turns after one round to warm up: of the processor, or by events of the GPU."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            seconds = _gpu_seconds(side) if device is not None and device.type == "cuda" else _processor_seconds(side)
            if number:
                found[name].append(seconds)
    return Turns(found)


def _processor_seconds(side: Callable[[], object]) -> float:
    start = time.process_time()
    side()
    return time.process_time() - start


def _gpu_seconds(side: Callable[[], object]) -> float:
    start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    side()
    stop.record()
    torch.cuda.synchronize()
    return start.elapsed_time(stop) / 1000


def apart(function: Callable, *arguments: float | str) -> dict:
    """What a function of a module here answers, called in a process of its own, and the peak memory of that in megabytes."""
    code = (
        "import importlib, json, sys\n"
        "module, name, arguments = json.loads(sys.argv[1])\n"
        "answer = getattr(importlib.import_module(module), name)(*arguments)\n"
        # not ru_maxrss, which begins at the parent's
        "[peak] = [line for line in open('/proc/self/status') if line.startswith('VmHWM')]\n"
        "print(json.dumps({'answer': answer, 'megabytes': int(peak.split()[1]) / 1024}))\n"
    )
    request = json.dumps([function.__module__, function.__name__, arguments])
    ran = subprocess.run([sys.executable, "-c", code, request], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


def wall_seconds(line: Sequence[str], times: int = 3) -> float:
    """Median wall seconds of a Python command, its output thrown away."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([sys.executable, *line], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return statistics.median(found)
