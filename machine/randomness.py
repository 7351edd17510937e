"""Random numbers of torch's that leave those drawn elsewhere as they are."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def own_randomness(device: torch.device | str = "cpu", seed: int | None = None) -> Iterator[None]:
    """Inside, torch's generators begin at `seed` (None: where they are); afterwards they go on as if nothing had been drawn."""
    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        if seed is not None:
            torch.manual_seed(seed)
        yield
