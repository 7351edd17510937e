"""Run directories: JSON and safetensors, complete or refused, never unpickled.

`run.json` is written last and lists the SHA-256 of every other file; a directory without it is an unfinished run.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from machine.errors import InputError
from machine.files import inside, json_object, regular_file, sha256, write_text, writing

MANIFEST = "run.json"
FORMAT = 1
LARGEST = 4 << 30  # bytes of one file that will be read


@dataclass(frozen=True)
class RunDirectory:
    """The directory of one training run."""

    path: Path

    def write_text(self, name: str, text: str) -> None:
        """Write one text file, whole or not at all."""
        write_text(self.path / name, text)

    def write_arrays(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Write named arrays as safetensors, whole or not at all."""
        content = save_arrays({key: np.asarray(array, order="C") for key, array in sorted(arrays.items())})
        with writing(self.path / name) as temporary:
            temporary.write_bytes(content)

    def append(self, name: str, entry: dict[str, Any]) -> None:
        """Append one line of JSON, in one write."""
        try:
            with inside(self.path, name).open("ab", buffering=0) as file:
                file.write((json.dumps(entry) + "\n").encode())
        except OSError as error:
            raise InputError(f"{self.path / name}: cannot be written ({error.strerror or error})") from error

    def tidy(self) -> None:
        """Remove what a killed process left half-written."""
        for path in self.path.glob(".*.partial*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def finish(self, files: list[str], about: dict[str, Any]) -> None:
        """Declare the run complete: write the manifest of `files`, with `about` (data, versions) beside it."""
        checksums = {name: sha256(self.path / name) for name in sorted(files)}
        self.write_text(MANIFEST, json.dumps({"format": FORMAT, "files": checksums} | about, indent=2) + "\n")

    @property
    def finished(self) -> bool:
        """Whether the manifest is there."""
        return (self.path / MANIFEST).is_file()

    def manifest(self, *required: str) -> dict[str, Any]:
        """Read and verify the manifest, which must list at least the files `required`.

        Raises:
            InputError: no run, an unfinished one, another format, a file that is missing, changed or outside.
        """
        if not self.path.is_dir():
            raise InputError(f"{self.path}: no such run directory")
        if not self.finished:
            raise InputError(f"{self.path}: not a finished run (go on with: python train.py --run {self.path} --resume)")
        manifest = json_object(self.read_text(MANIFEST), str(self.path / MANIFEST))
        if manifest.get("format") != FORMAT:
            raise InputError(f"{self.path}: written by another version of clipcast (format {manifest.get('format')!r}, not {FORMAT})")
        files = manifest.get("files")
        if not isinstance(files, dict):
            raise InputError(f"{self.path / MANIFEST}: lists no files")
        self.listed(manifest, *required)
        for name, checksum in files.items():
            if sha256(self._file(name)) != checksum:
                raise InputError(f"{self.path / name}: damaged (its checksum is not the one in {MANIFEST})")
        return manifest

    def listed(self, manifest: dict[str, Any], *names: str) -> None:
        """Refuse a `manifest` that does not list all files `names`."""
        for name in names:
            if name not in manifest["files"]:
                raise InputError(f"{self.path / MANIFEST}: does not list {name}")

    def read_text(self, name: str) -> str:
        """Read one text file."""
        try:
            return self._file(name).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path / name}: not UTF-8 text") from error

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one JSON object."""
        return json_object(self.read_text(name), str(self.path / name))

    @property
    def begun(self) -> dict[str, Any]:
        """What training wrote down of its data when it began; empty where it has not."""
        return self.read_json("source.json") if (self.path / "source.json").exists() else {}

    def read_arrays(self, name: str) -> dict[str, np.ndarray]:
        """Read named arrays, all finite."""
        try:
            arrays = load_arrays(self._file(name).read_bytes())
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.path / name}: not a safetensors file ({error})") from error
        for key, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise InputError(f"{self.path / name}: {key} holds a number that is not finite")
        return arrays

    def read_layout(self, name: str) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Type and shape of the arrays by name, from the file's header: no array is read."""
        try:
            with safe_open(self._file(name), framework="numpy") as file:
                slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118  (not a dict)
                return {key: (one.get_dtype(), tuple(one.get_shape())) for key, one in slices.items()}
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.path / name}: not a safetensors file ({error})") from error

    def _file(self, name: str) -> Path:
        path = regular_file(inside(self.path, name))
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: larger than {LARGEST >> 30} GiB")
        return path


def new_run(parent: Path) -> Path:
    """A fresh directory `parent`/0001, 0002, ..."""
    parent.mkdir(parents=True, exist_ok=True)
    number = max((int(path.name) for path in parent.iterdir() if path.name.isdigit()), default=0)
    while True:
        number += 1
        try:
            os.mkdir(parent / f"{number:04d}")
        except FileExistsError:
            continue
        return parent / f"{number:04d}"


def newest_run(parent: Path) -> Path:
    """The finished run below `parent` that was finished last.

    Raises:
        InputError: there is none.
    """
    return finished_runs(parent)[0]


def finished_runs(parent: Path) -> list[Path]:
    """The finished runs below `parent`, the one that was finished last first, the others by name, backwards.

    Raises:
        InputError: there is none.
    """
    finished = [path for path in parent.glob(f"*/{MANIFEST}") if path.is_file()] if parent.is_dir() else []
    if not finished:
        raise InputError(f"no finished run in {parent}/ (train one with: python train.py)")
    newest = max(finished, key=lambda path: (path.stat().st_mtime_ns, path))
    return [newest.parent, *sorted((path.parent for path in finished if path != newest), reverse=True)]


def unfinished_run(parent: Path) -> Path:
    """The unfinished run below `parent` that was started last.

    Raises:
        InputError: there is none.
    """
    found = [path.parent for path in parent.glob("*/configuration.json")] if parent.is_dir() else []
    found = [path for path in found if not (path / MANIFEST).exists()]
    if not found:
        raise InputError(f"no unfinished run in {parent}/")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path))
