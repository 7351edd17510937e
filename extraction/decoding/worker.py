"""The parent's side of decoding: start a sandbox, hand it clips, and end it when a clip costs too much."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from extraction.decoding.budget import Budget
from extraction.settings import ALLOWANCE, FRAMES, LONGEST, PIECE, SAMPLE_RATE, Limits, Problem
from machine.errors import InputError

ROOT = Path(__file__).resolve().parents[2]  # of this checkout: nothing beside it is imported
PROGRAM = "extraction.decoding.sandbox"
START = 60.0  # seconds a new sandbox may take until it is ready
TICK = 0.05  # seconds between two looks at a busy sandbox
LARGEST_MESSAGE = 1_000_000

Decoded = tuple[np.ndarray | None, np.ndarray | None, list[Problem], bool]
Hear = Callable[[Iterator[np.ndarray]], np.ndarray]


def join(pieces: Iterator[np.ndarray]) -> np.ndarray:
    """All samples in one array, float32 (T,)."""
    return np.concatenate(list(pieces))


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

    def read(self, path: Path, hear: Hear = join) -> Decoded:
        """Decode one clip.

        Args:
            path: the media file.
            hear: what becomes of the sound, float32 samples at 16 kHz that arrive in pieces.

        Returns:
            frames, uint8 (10, crop, crop, 3) or None; what `hear` made of the sound, or None; problems; and whether the
            outcome is the clip's own (False when a limit ended it, or the file could not be read: the same clip may pass another time).

        Raises:
            InputError: the decoding process ends before any clip is opened, so that no clip can be read here.
        """
        if self._sandbox is None:
            self._sandbox = Sandbox(self._resize, self._crop, self._limits)
        try:
            return self._sandbox.read(path, hear)
        except Killed as killed:
            reason = str(killed)
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            reason = self._sandbox.last_words()
            if not self._sandbox.ready:
                self.close()
                raise InputError(f"no clip can be read here: {reason.removeprefix('crash: ')} before it was ready") from None
        self.close()
        return None, None, [Problem("limits", reason)], False


class Sandbox:
    """One process of `extraction.decoding.sandbox` and the connection to it.

    Attributes:
        ready: it has started well, and opens clips.
    """

    def __init__(self, resize: int, crop: int, limits: Limits) -> None:
        self._crop, self._limits = crop, limits
        request = json.dumps({"resize": resize, "crop": crop, "limits": dataclasses.asdict(limits)})
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", PROGRAM, str(theirs.fileno()), request],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent
            )
        self._connection = Connection(ours.detach())
        self._reader = ThreadPoolExecutor(1)
        self.ready = False

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._reader.shutdown()
        self._connection.close()

    def read(self, path: Path, hear: Hear) -> Decoded:
        """Decode one clip; see `Decoder.read`.

        Raises:
            Killed: it exceeded a limit.
            OSError: (or EOFError, ValueError, KeyError, TypeError) the process died or gave no sensible answer.
        """
        if not self.ready:
            self._receive(Budget(self._process.pid, START, stall=START), LARGEST_MESSAGE)
            self.ready = True
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
        if message["samples"] > 0:
            sound = hear(self._pieces(budget, message["samples"]))
        return frames, sound, [Problem(str(stage), str(reason)) for stage, reason in message["problems"]], bool(message["final"])

    def _pieces(self, budget: Budget, samples: int) -> Iterator[np.ndarray]:
        if samples > SAMPLE_RATE * (self._limits.sound_seconds + 60):
            raise ValueError(samples)
        while samples > 0:
            piece = np.frombuffer(self._receive(budget, 4 * PIECE), np.float32)
            samples -= len(piece) or samples  # a worker that has no more sends an empty piece, which ends the loop
            yield piece

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

    def _receive(self, budget: Budget, longest: int) -> bytes:
        message = self._reader.submit(self._connection.recv_bytes, longest)  # apart, since one may stop halfway
        while not wait([message], TICK).done:
            if reason := budget.exceeded():
                raise Killed(f"time: {reason}")
            if self.megabytes() > self._limits.memory:
                raise Killed(f"memory: decoding needed more than {self._limits.memory} MB")
        return message.result()
