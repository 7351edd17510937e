"""samples.npz, written a few videos at a time: memory does not grow with their number."""

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from machine.files import writing


class Archive:
    """Samples (S, N, K) float32 on their way to disk, and the arrays beside them.

    Attributes:
        beside: further arrays of the file by name, filled in before the archive is closed.
    """

    def __init__(self, descriptor: int, shape: tuple[int, int, int]) -> None:
        self._descriptor, self._shape = descriptor, shape
        self.beside: dict[str, np.ndarray] = {}
        header = np.lib.format.header_data_from_array_1_0(np.empty(0, np.float32)) | {"shape": shape}
        with os.fdopen(os.dup(descriptor), "wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            self._start = file.tell()
        os.ftruncate(descriptor, self._start + 4 * int(np.prod(shape, dtype=np.int64)))

    def put(self, first: int, block: np.ndarray) -> None:
        """Write the draws (S, n, K) of the videos `first` to `first + n`."""
        # written, not mapped: a mapped file would count as memory
        _, count, targets = self._shape
        for draw, rows in enumerate(np.ascontiguousarray(block, np.float32)):
            _write(self._descriptor, rows.tobytes(), self._start + 4 * targets * (draw * count + first))


@contextlib.contextmanager
def archive(path: Path, shape: tuple[int, int, int]) -> Iterator[Archive]:
    """An npz file with `samples` of this shape (S, N, K), there as a whole when the block ends well.

    Raises:
        InputError: the directory cannot be written, or the disk is full.
    """
    with writing(path) as whole, tempfile.TemporaryFile(dir=path.parent) as raw:
        samples = Archive(raw.fileno(), shape)
        yield samples
        raw.seek(0)
        _zip(whole, raw, samples.beside)


def _zip(path: Path, samples, beside: Mapping[str, np.ndarray]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, array in beside.items():
            with file.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        with file.open(zipfile.ZipInfo("samples.npy"), "w", force_zip64=True) as member:
            shutil.copyfileobj(samples, member, 1 << 20)


def _write(descriptor: int, content: bytes, place: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, place)
        content, place = content[written:], place + written
