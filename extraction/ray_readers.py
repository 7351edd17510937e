"""Clips read on a Ray cluster."""

from concurrent.futures import Future
from pathlib import Path

from extraction.clips import read
from extraction.settings import Limits, Settings
from machine.cluster import task_of


class RayReaders:
    """As `extraction.clips.Readers`, with a network and a decoding process in each of Ray's workers."""

    def __init__(self, settings: Settings, limits: Limits, workers: int) -> None:
        self._task, self._arguments = task_of(read), (settings, limits)

    def __enter__(self) -> "RayReaders":
        return self

    def __exit__(self, *exception) -> None:
        pass

    def submit(self, path: Path) -> Future:
        """Have a clip read; the future gives what `extraction.clips.ClipReader.read` returns."""
        return self._task.remote(path.absolute(), *self._arguments).future()
