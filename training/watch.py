"""What is watched while training: the numbers of an epoch, the best weights, and where a loss stopped being finite."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from pyro import poutine
from torch import nn

from features.videos import Videos
from forecast.draws import Member, draw
from forecast.scoring.scores import row_summary
from machine.errors import InputError

WATCHED = 4096  # validation rows looked at after each epoch
DRAWS = 100


class Best:
    """The weights of the epoch with the best score so far (lower is better).

    Attributes:
        epoch: number of that epoch, from 0; -1 before the first.
        score: its score.
        weights: a copy of the weights then.
    """

    def __init__(self, modules: nn.Module) -> None:
        self._modules = modules
        self.epoch, self.score, self.weights = -1, math.inf, copy.deepcopy(modules.state_dict())

    def update(self, epoch: int, score: float) -> None:
        """Keep the present weights if `score` is better than any before."""
        if score < self.score:
            self.epoch, self.score, self.weights = epoch, score, copy.deepcopy(self._modules.state_dict())

    def restore(self, modules: nn.Module) -> None:
        """Put the best weights back."""
        modules.load_state_dict(self.weights)

    def diverged(self, epoch: int, why: str, modules: nn.Module) -> InputError:
        """Put the best weights back and say so; the checkpoint on disk holds them too."""
        self.restore(modules)
        kept = f"the good weights of epoch {self.epoch + 1} are kept" if self.epoch >= 0 else "no epoch went well"
        return InputError(f"the loss is not finite in epoch {epoch + 1}: {why}; {kept} (a smaller --learning-rate may help)")


def epoch_numbers(model: Callable, guide: Callable, networks: Any, validation: Videos, configuration: Any) -> dict[str, Any]:
    """Weighted loss, log-likelihood, KL (also by dimension of z) and CRPS a video, over validation rows.

    The random state outside is not touched, so that looking does not change training.
    """
    watched = validation.rows(slice(0, WATCHED))
    devices = [watched.device] if watched.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(0)
        member = Member(partial(model, decoder=networks.decoder), partial(guide, experts=networks.experts))
        terms = objective_terms(member.model, member.guide, watched)
        samples = draw([member], watched, DRAWS).cpu().numpy()
    assert watched.popularity is not None  # noqa: S101  (labelled by construction)
    truth = watched.popularity.cpu().numpy().astype(np.float64)
    known = ~np.isnan(truth).all(axis=0)  # few validation rows may lack a target
    spread = np.maximum(np.nanstd(truth[:, known], axis=0), 1e-9)
    crps = np.nanmean(row_summary(samples, truth)["crps"][:, known] / spread)
    return {
        "validation_loss": configuration.kl_weight * terms["kl"] - terms["log_likelihood"],
        "validation_log_likelihood": terms["log_likelihood"],
        "validation_kl": terms["kl"],
        "validation_crps": float(crps),
        "kl_by_dimension": terms["kl_by_dimension"],
    }


def objective_terms(model: Callable[[Videos], None], guide: Callable[[Videos], None], videos: Videos) -> dict[str, Any]:
    """The two terms of Eq. 1, unweighted, a video: one draw of z for the log-likelihood, the KL in closed form by dimension.

    Works for any pair whose z is a Normal in both; other pairs get the KL of the one draw and no dimensions.
    """
    guide_trace: Any = poutine.trace(guide).get_trace(videos)
    model_trace: Any = poutine.trace(poutine.replay(model, trace=guide_trace)).get_trace(videos)
    observed = [site for site in model_trace.nodes.values() if site["type"] == "sample" and site["is_observed"]]
    log_likelihood = sum(site["fn"].log_prob(site["value"]).sum() for site in observed if site["name"] != "_INPUT")
    prior, posterior = model_trace.nodes["z"]["fn"], guide_trace.nodes["z"]["fn"]
    try:
        by_dimension = torch.distributions.kl_divergence(posterior.base_dist, prior.base_dist).mean(0)
        kl, dimensions = float(by_dimension.sum()), [round(value, 4) for value in by_dimension.tolist()]
    except (AttributeError, NotImplementedError):
        z = guide_trace.nodes["z"]["value"]
        kl, dimensions = float((posterior.log_prob(z) - prior.log_prob(z)).mean()), []
    return {"log_likelihood": float(log_likelihood) / len(videos), "kl": kl, "kl_by_dimension": dimensions}


def diagnosis(networks: Any, train: Videos) -> str:
    """Which parts, and which of the first rows, have numbers that are not finite."""
    found = []
    for name, part in train.items():
        bad = (~part.numbers.isfinite().all(-1) & part.present).nonzero().flatten().tolist()
        if bad:
            found.append(f"part {name}, rows {', '.join(str(row + 1) for row in bad[:5])}")
    if train.popularity is not None:
        bad = train.popularity.isinf().any(-1).nonzero().flatten().tolist()
        if bad:
            found.append(f"popularity, rows {', '.join(str(row + 1) for row in bad[:5])}")
    if not found and train.popularity is not None:
        distance = (train.popularity - train.popularity.nanmean(0)).abs().nan_to_num().amax(-1)
        row = int(distance.argmax())
        found.append(
            f"every number is finite; the most extreme popularity is {float(distance[row]):.3g} from the mean, in training row {row + 1}"
        )
    return "; ".join(found)
