"""What is watched while training: the numbers of an epoch, the best weights, and where a loss stopped being finite."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pyro import poutine
from torch import nn

from features.videos import Videos
from forecast.draws import draw
from forecast.member import TARGET, Member, latent_sites, trace
from forecast.scoring.scores import error_scale, row_summary
from machine.errors import InputError
from machine.randomness import own_randomness

WATCHED = 4096  # validation rows looked at, evenly spread
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
        """Put the best weights back and say so."""
        self.restore(modules)
        kept = f"the good weights of epoch {self.epoch + 1} are kept" if self.epoch >= 0 else "no epoch went well"
        return InputError(f"the loss is not finite in epoch {epoch + 1}: {why}; {kept} (a smaller --learning-rate may help)")


def epoch_numbers(member: Member, validation: Videos, configuration: Any) -> dict[str, Any]:
    """Weighted loss, log-likelihood, KL (also by dimension of z) and CRPS a video, over validation rows.

    The random state outside is not touched, so that looking does not change training.
    """
    watched = validation.spread(WATCHED)
    with own_randomness(watched.device, 0), torch.no_grad():
        terms = objective_terms(member.model, member.guide, watched)
        samples = draw([member], watched, DRAWS).cpu().numpy()
    assert watched.popularity is not None  # noqa: S101  (labelled by construction)
    truth = watched.popularity.cpu().numpy().astype(np.float64)
    known = ~np.isnan(truth).all(axis=0)  # few validation rows may lack a target
    crps = (row_summary(samples, truth)["crps"] * watched.error_unit.cpu().numpy())[:, known]
    crps = np.nanmean(crps / error_scale(truth[:, known]))
    return {
        "validation_loss": configuration.kl_weight * terms["kl"] - terms["log_likelihood"],
        "validation_log_likelihood": terms["log_likelihood"],
        "validation_kl": terms["kl"],
        "validation_crps": float(crps),
        "kl_by_dimension": terms["kl_by_dimension"],
    }


def objective_terms(model: Callable[[Videos], None], guide: Callable[[Videos], None], videos: Videos) -> dict[str, Any]:
    """The two terms of Eq. 1, unweighted, a video: one draw of the latent sites for the log-likelihood, the KL in closed form.

    A site that is not Normal in both model and guide gets the KL of the one draw. Dimensions are told where z is the only site, a Normal.
    """
    guided = trace(guide, videos)
    modelled = trace(poutine.replay(model, trace=guided), videos)
    target = modelled.nodes[TARGET]
    kl, dimensions = 0.0, []
    for name in latent_sites(guided):
        prior, posterior = modelled.nodes[name]["fn"], guided.nodes[name]["fn"]
        try:
            by_dimension = torch.distributions.kl_divergence(posterior.base_dist, prior.base_dist).sum(0) / len(videos)
            kl, dimensions = kl + float(by_dimension.sum()), [round(value, 4) for value in by_dimension.flatten().tolist()]
        except (AttributeError, NotImplementedError):
            value = guided.nodes[name]["value"]
            kl += float((posterior.log_prob(value) - prior.log_prob(value)).sum() / len(videos))
    log_likelihood = float(target["fn"].log_prob(target["value"]).sum()) / len(videos)
    return {"log_likelihood": log_likelihood, "kl": kl, "kl_by_dimension": dimensions}


def diagnosis(train: Videos) -> str:
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
