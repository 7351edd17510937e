"""The state of an unfinished training, so that stopping and going on ends at the same weights."""

import json
import math
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from forecast.run.directory import RunDirectory
from machine.errors import InputError
from training.watch import Best

SECONDS = 5.0  # between two checkpoints at least: short epochs take less time than writing one


class Checkpoint:
    """After an epoch: weights, best weights, optimiser, schedule and random state, in one safetensors file.

    Args:
        run: the run directory.
        name: of the file, without suffix.
    """

    def __init__(self, run: RunDirectory, name: str) -> None:
        self.run, self.file, self.saved = run, f"{name}.safetensors", -math.inf

    def save(self, epoch: int, modules: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any, best: Best) -> None:
        """Replace the checkpoint, unless it is younger than `SECONDS`: `epoch` epochs are done."""
        if time.monotonic() < self.saved + SECONDS:
            return
        arrays = {f"weights.{key}": value for key, value in modules.state_dict().items()}
        arrays |= {f"best.{key}": value for key, value in best.weights.items()}
        state = optimizer.state_dict()
        for index, entry in state["state"].items():
            arrays |= {f"optimizer.{index}.{key}": value for key, value in entry.items()}
        arrays["random"] = torch.get_rng_state()
        if torch.cuda.is_available():
            arrays["random_cuda"] = torch.cuda.get_rng_state()
        about = {
            "epoch": epoch,
            "best_epoch": best.epoch,
            "best_score": best.score,
            "groups": [{key: value for key, value in group.items() if key != "params"} for group in state["param_groups"]],
            "schedule": {key: value for key, value in schedule.state_dict().items() if isinstance(value, (int, float))},
        }
        text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        self.run.write_arrays(self.file, {key: value.detach().cpu().numpy() for key, value in arrays.items()} | {"about": text})
        self.saved = time.monotonic()

    def remove(self) -> None:
        """The member is finished: its checkpoint is not needed any more."""
        (self.run.path / self.file).unlink(missing_ok=True)

    def restore(self, modules: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any, best: Best) -> int:
        """Load the checkpoint if there is one; return how many epochs are done.

        Raises:
            InputError: it does not fit these networks.
        """
        if not (self.run.path / self.file).exists():
            return 0
        arrays = self.run.read_arrays(self.file)
        try:
            return self._restore(arrays, modules, optimizer, schedule, best)
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError(f"{self.run.path / self.file}: does not fit this run ({error})") from error

    def _restore(self, arrays: dict[str, np.ndarray], modules: nn.Module, optimizer: Any, schedule: Any, best: Best) -> int:
        about = json.loads(arrays["about"].tobytes())
        tensors = {key: torch.from_numpy(array) for key, array in arrays.items()}

        def under(prefix: str) -> dict[str, torch.Tensor]:
            return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

        modules.load_state_dict(under("weights."))
        device = next(modules.parameters()).device
        best.epoch, best.score = about["best_epoch"], about["best_score"]
        best.weights = {key: value.to(device) for key, value in under("best.").items()}
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in under("optimizer.").items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": [old | new for old, new in zip(groups, about["groups"], strict=True)]})
        schedule.load_state_dict(schedule.state_dict() | about["schedule"])
        torch.set_rng_state(tensors["random"])
        if "random_cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["random_cuda"])
        return int(about["epoch"])
