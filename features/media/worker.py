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
START = 60.0  # seconds a new sandbox may take until it is ready
TICK = 0.02  # seconds between two looks at a busy sandbox
LARGEST_MESSAGE = 1_000_000


class Killed(Exception):  # noqa: N818
    """The sandbox was ended; the text is the reason."""


class Decoder:
    """One sandbox at a time, replaced after it was killed or died. Use as a context manager, from one thread.

    Args:
        resize: pixels of the short side of a frame.
        crop: pixels of the sides of the square kept.
        limits: enforced from here; the sandbox limits itself besides.
    """

    def __init__(self, resize: int, crop: int, limits: Limits) -> None:
        self._crop, self._limits = crop, limits
        self._request = json.dumps({"resize": resize, "crop": crop, "limits": dataclasses.asdict(limits)})
        self._process: subprocess.Popen | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def read(self, path: Path) -> tuple[np.ndarray | None, np.ndarray | None, list[Problem], bool]:
        """Decode one clip.

        Returns:
            frames, uint8 (10, crop, crop, 3) or None; sound, float32 samples at 16 kHz or None; problems; and whether the
            outcome is the clip's own (False when a limit ended it: the same clip may pass another time).
        """
        try:
            if self._process is None:
                self._start()
            assert self._connection is not None
            self._connection.send_bytes(os.fsencode(path.absolute()))
            return (*self._answer(), True)
        except Killed as killed:
            self.close()
            return None, None, [Problem("limits", str(killed))], False
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            reason = self._last_words()
            self.close()
            return None, None, [Problem("limits", reason)], False

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "features.media.sandbox", str(theirs.fileno()), self._request]
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent
            )
        self._connection = Connection(ours.detach())
        self._receive(time.monotonic() + START, LARGEST_MESSAGE)

    def _answer(self) -> tuple[np.ndarray | None, np.ndarray | None, list[Problem]]:
        began = time.monotonic()
        deadline = began + self._limits.seconds
        message = json.loads(self._receive(deadline, LARGEST_MESSAGE))
        if "seconds" in message:
            deadline = began + min(self._limits.seconds + ALLOWANCE * max(float(message["seconds"]), 0.0), LONGEST)
            message = json.loads(self._receive(deadline, LARGEST_MESSAGE))
        frames = sound = None
        if message["frames"] is not None:
            shape = (FRAMES, self._crop, self._crop, 3)
            frames = np.frombuffer(self._receive(deadline, int(np.prod(shape))), np.uint8).reshape(shape)
        if message["sound"] is not None:
            longest = 4 * SAMPLE_RATE * (self._limits.sound_seconds + 60)
            sound = np.frombuffer(self._receive(deadline, longest), np.float32)
        return frames, sound, [Problem(str(stage), str(reason)) for stage, reason in message["problems"]]

    def _receive(self, deadline: float, longest: int) -> bytes:
        assert self._connection is not None
        while not self._connection.poll(TICK):
            if time.monotonic() > deadline:
                raise Killed(f"time: decoding took longer than allowed ({self._limits.seconds:g} s and {ALLOWANCE:g} s a second)")
            if self._megabytes() > self._limits.memory:
                raise Killed(f"memory: decoding needed more than {self._limits.memory} MB")
        return self._connection.recv_bytes(longest)

    def _megabytes(self) -> float:
        """Resident memory of the sandbox (0 where the system does not tell)."""
        assert self._process is not None
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _last_words(self) -> str:
        assert self._process is not None
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "crash: the decoding process gave no sensible answer"
        return f"crash: the decoding process ended ({'signal ' + str(-code) if code < 0 else 'code ' + str(code)})"
