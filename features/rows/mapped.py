"""Videos in files that are mapped into memory: they may be larger than it, and processes share them."""

import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from features.videos import BESIDE, Part, Videos
from machine.errors import InputError

INDEX = "index.json"
FEW_KNOWN = "few_known"  # a field of `Videos` that is a part itself; its files have no dot, so that no part has their names
KINDS = ("numbers", "codes", "present")


def write(path: Path, chunks: Iterable[Videos]) -> None:
    """Write labelled videos, a chunk at a time, into the directory `path`: whole or not at all. Codes become int32.

    One raw file a tensor, and an index with their types and shapes.

    Raises:
        InputError: the directory cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.partial-", dir=path.parent) as name:
            temporary = Path(name) / "videos"
            temporary.mkdir()
            index: dict[str, list] = {}
            for chunk in chunks:
                for tensor_name, tensor in _tensors(chunk).items():
                    array = np.ascontiguousarray(tensor.numpy())
                    entry = index.setdefault(tensor_name, [str(array.dtype), [0, *array.shape[1:]]])
                    entry[1][0] += len(array)
                    with (temporary / tensor_name).open("ab") as file:
                        file.write(array.data)
            (temporary / INDEX).write_text(json.dumps(index), encoding="utf-8")
            shutil.rmtree(path, ignore_errors=True)
            temporary.rename(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


def read(path: Path) -> Videos:
    """Map what `write` wrote; a row is read from disk when it is first looked at.

    Raises:
        InputError: a file is missing or too short.
    """
    try:
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))
        tensors = {name: _map(path / name, dtype, tuple(shape)) for name, (dtype, shape) in index.items()}
        beside: dict[str, Any] = {name: tensors.pop(name) for name in BESIDE if name in tensors}
        few = [tensors.pop(f"{FEW_KNOWN}-{kind}") for kind in KINDS if f"{FEW_KNOWN}-{kind}" in tensors]
        names = dict.fromkeys(name.rpartition(".")[0] for name in tensors)
        parts = {name: Part(*(tensors[f"{name}.{kind}"] for kind in KINDS)) for name in names}
        return Videos(parts, few_known=Part(*few) if few else None, **beside)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: damaged ({error})") from error


def _tensors(videos: Videos) -> dict[str, Tensor]:
    found = {f"{name}.{kind}": getattr(part, kind) for name, part in videos.items() for kind in KINDS}
    if videos.few_known is not None:
        found |= {f"{FEW_KNOWN}-{kind}": getattr(videos.few_known, kind) for kind in KINDS}
    # half the bytes: no vocabulary is larger
    found = {name: tensor.int() if tensor.dtype == torch.int64 else tensor for name, tensor in found.items()}
    assert videos.popularity is not None  # noqa: S101  (labelled by contract)
    beside = (name for name in BESIDE if name not in ("age", FEW_KNOWN))
    return found | {name: getattr(videos, name) for name in beside if getattr(videos, name) is not None}


def _map(file: Path, dtype: str, shape: tuple[int, ...]) -> Tensor:
    if 0 in shape:
        return torch.from_numpy(np.zeros(shape, dtype))
    # copy on write: torch wants memory that may be written to, and the file stays as it is
    return torch.from_numpy(np.memmap(file, dtype, mode="c", shape=shape))
