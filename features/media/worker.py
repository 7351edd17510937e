"""The parent's side of decoding: start a sandbox, hand it clips, and end it when a clip costs too much."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from features.media.settings import ALLOWANCE, FRAMES, LONGEST, SAMPLE_RATE, Limits, Problem

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 10.0  # a busy machine may take so many times longer than the processor time granted
START = 60.0  # seconds a new sandbox may take until it is ready
TICK = 0.05  # seconds between two looks at a busy sandbox
LARGEST_MESSAGE = 1_000_000

Decoded = tuple[np.ndarray | None, np.ndarray | None, list[Problem]]


class Killed(Exception):
    """A limit was exceeded; the text is the reason."""


class Decoder:
    """Decodes clips in a sandbox, which is replaced after it was killed or died. Use as a context manager, from one thread.

    Args:
        resize: pixels of the short side of a frame.
        crop: pixels of the sides of the square kept.
        limits: enforced from here; the sandbox limits itself besides.
    """

    def __init__(self, resize: int, crop: int, limits: Limits) -> None:
        self._resize, self._crop, self._limits = resize, crop, limits
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def megabytes(self) -> float:
        """Resident memory of the sandbox, 0 where there is none or the system does not tell."""
        return self._sandbox.megabytes() if self._sandbox is not None else 0.0

    def read(self, path: Path) -> tuple[np.ndarray | None, np.ndarray | None, list[Problem], bool]:
        """Decode one clip.

        Returns:
            frames, uint8 (10, crop, crop, 3) or None; sound, float32 samples at 16 kHz or None; problems; and whether the
            outcome is the clip's own (False when a limit ended it: the same clip may pass another time).
        """
        if self._sandbox is None:
            self._sandbox = Sandbox(self._resize, self._crop, self._limits)
        try:
            return (*self._sandbox.read(path), True)
        except Killed as killed:
            reason = str(killed)
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            reason = self._sandbox.last_words()
        self.close()
        return None, None, [Problem("limits", reason)], False


class Sandbox:
    """One process of `features.media.sandbox` and the connection to it."""

    def __init__(self, resize: int, crop: int, limits: Limits) -> None:
        self._crop, self._limits = crop, limits
        request = json.dumps({"resize": resize, "crop": crop, "limits": dataclasses.asdict(limits)})
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "features.media.sandbox", str(theirs.fileno()), request],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent
            )
        self._connection = Connection(ours.detach())
        self._ready = False

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def read(self, path: Path) -> Decoded:
        """Decode one clip.

        Raises:
            Killed: it exceeded a limit.
            OSError: (or EOFError, ValueError, KeyError, TypeError) the process died or gave no sensible answer.
        """
        if not self._ready:
            self._receive(Budget(self._process.pid, START), LARGEST_MESSAGE)
            self._ready = True
        budget = Budget(self._process.pid, self._limits.seconds)
        self._connection.send_bytes(os.fsencode(path.absolute()))
        message = json.loads(self._receive(budget, LARGEST_MESSAGE))
        if "seconds" in message:
            budget.seconds = min(self._limits.seconds + ALLOWANCE * max(float(message["seconds"]), 0.0), LONGEST)
            message = json.loads(self._receive(budget, LARGEST_MESSAGE))
        frames = sound = None
        if message["frames"]:
            shape = (FRAMES, self._crop, self._crop, 3)
            frames = np.frombuffer(self._receive(budget, int(np.prod(shape))), np.uint8).reshape(shape)
        if message["sound"]:
            longest = 4 * SAMPLE_RATE * (self._limits.sound_seconds + 60)
            sound = np.frombuffer(self._receive(budget, longest), np.float32)
        return frames, sound, [Problem(str(stage), str(reason)) for stage, reason in message["problems"]]

    def megabytes(self) -> float:
        """Resident memory of the process (0 where the system does not tell)."""
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def last_words(self) -> str:
        """Why the process ended, as a problem's reason."""
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "crash: the decoding process gave no sensible answer"
        return f"crash: the decoding process ended ({f'signal {-code}' if code < 0 else f'code {code}'})"

    def _receive(self, budget: "Budget", longest: int) -> bytes:
        while not self._connection.poll(TICK):
            if budget.spent():
                raise Killed(f"time: decoding took longer than {self._limits.seconds:g} s and {ALLOWANCE:g} s for a second of the clip")
            if self.megabytes() > self._limits.memory:
                raise Killed(f"memory: decoding needed more than {self._limits.memory} MB")
        return self._connection.recv_bytes(longest)


class Budget:
    """Seconds of processor time that a process may use from now on, and of patience with a machine that has other work."""

    def __init__(self, pid: int, seconds: float) -> None:
        self.seconds = seconds
        self._pid = pid
        self._began = time.monotonic(), self._processor()

    def spent(self) -> bool:
        """Whether the process has used it up. Where the system does not tell processor time, the clock counts."""
        waited, used = time.monotonic() - self._began[0], self._processor()
        if used is None or self._began[1] is None:
            return waited > self.seconds
        return used - self._began[1] > self.seconds or waited > PATIENCE * self.seconds

    def _processor(self) -> float | None:
        try:
            fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
