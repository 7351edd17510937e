"""Training one member in several processes that torchrun started, as if in one: each takes a share of every batch.

torchrun --nproc_per_node 2 -- train.py --data DATA --run RUN

Gradients are added up over the processes, so weights are those of one process up to rounding, were the noise the same. All processes
permute the rows alike; what is drawn for a row (z, dropout, parts left out) has a seed of its own in each. Only the first writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

from machine.errors import InputError

if TYPE_CHECKING:
    from features.rows.folds import Folds
    from forecast.run.configuration import Configuration
    from program import Program

RANK = int(os.environ.get("RANK", "0"))
SIZE = int(os.environ.get("WORLD_SIZE", "1"))


def permutation(count: int, epoch: int, seed: int, device: torch.device) -> Tensor:
    """(count,) row numbers in the order of this epoch, the same in every process; one process goes on with torch's generator.

    With several processes the noise of each begins anew with the epoch, so that a resumed run needs no state of theirs.
    """
    if SIZE == 1:
        return torch.randperm(count, device=device)
    torch.manual_seed(_seed(seed, epoch, 1 + RANK))
    return torch.randperm(count, generator=torch.Generator().manual_seed(_seed(seed, epoch))).to(device)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def share(rows: Tensor) -> tuple[Tensor, int]:
    """The rows of a batch that this process takes, and how many rows all processes have. Fewer rows than processes go to each of them."""
    if len(rows) < SIZE:
        return rows, SIZE * len(rows)
    return rows.tensor_split(SIZE)[RANK], len(rows)


def add_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Add up the gradients of all processes, in place."""
    for one in parameters:
        assert one.grad is not None  # noqa: S101  (as `flatten` leaves them)
        add(one.grad)


def add(number: Tensor) -> Tensor:
    """The sum over all processes."""
    if SIZE > 1:
        distributed.all_reduce(number)
    return number


@contextmanager
def group(device: torch.device) -> Iterator[None]:
    """Be connected to the other processes inside."""
    if SIZE == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("gloo" if device.type == "cpu" else None)
    try:
        yield
        distributed.barrier()  # a process that leaves early takes the connection of the others along
    finally:
        distributed.destroy_process_group()


def lead(run: Path, folds: Folds, configuration: Configuration, program: Program) -> None:
    """In the first process: have the others train what lies in the run directory."""
    if SIZE > 1:
        distributed.broadcast_object_list([str(run), folds.about, configuration, program], device=torch.device("cpu"))


def told() -> tuple[Path, tuple[Any, ...], Configuration, Program]:
    """In every other process: what the first one says in `lead`."""
    said: list[Any] = [None] * 4
    try:
        distributed.broadcast_object_list(said, device=torch.device("cpu"))
    except RuntimeError as error:
        raise InputError("the first process ended before training began") from error
    return Path(said[0]), said[1], said[2], said[3]
