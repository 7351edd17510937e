"""What a process may still spend: processor time, patience with a busy machine, and none with a process that just sits there."""

import os
import time
from pathlib import Path

PATIENCE = 10.0  # a busy machine may take so many times longer than the processor time granted
STALL = 4.0  # seconds that a process may neither compute nor wait for a processor


class Budget:
    """Seconds of processor time that a process may use from now on.

    A process that waits for its turn on a busy machine spends nothing but patience; one that sleeps has stalled.

    Args:
        pid: of the process.
        seconds: of processor time; where the system does not tell (no /proc), seconds by the clock.
        stall: seconds without progress that are forgiven.
    """

    def __init__(self, pid: int, seconds: float, stall: float | None = None) -> None:
        self.seconds = seconds
        self._stall = STALL if stall is None else stall
        self._status = Path(f"/proc/{pid}/stat")
        self._began = self._moved = time.monotonic()
        self._first = self._last = self._used()[0]

    def exceeded(self) -> str:
        """What the process has used up, in words, or an empty text."""
        now, (used, waiting) = time.monotonic(), self._used()
        if used is None or self._first is None:
            return f"decoding took longer than {self.seconds:g} s" if now - self._began > self.seconds else ""
        if waiting or used != self._last:
            self._last, self._moved = used, now
        if now - self._moved > self._stall:
            return f"decoding stood still for {self._stall:g} s"
        if used - self._first > self.seconds:
            return f"decoding took longer than {self.seconds:g} s of processor time"
        if now - self._began > PATIENCE * self.seconds:
            return f"decoding took longer than {PATIENCE * self.seconds:g} s"
        return ""

    def _used(self) -> tuple[float | None, bool]:
        """Processor seconds used since its start (None where the system does not tell), and whether it waits for a processor or has one."""
        try:
            fields = self._status.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            return None, False
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), fields[0] == "R"
