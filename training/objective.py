"""Eq. 1 as Pyro's Trace_ELBO has it, to the last bit, without its waits: `Trace_ELBO` asks the device for every term's number."""

from collections.abc import Callable
from typing import Any

import torch
from pyro.distributions.util import is_identically_zero
from pyro.infer import Trace_ELBO
from torch import Tensor


class Objective(Trace_ELBO):
    """`Trace_ELBO` of one draw, whose loss stays on its device until somebody asks for it."""

    def differentiable_loss(self, model: Callable, guide: Callable, *args: Any, **kwargs: Any) -> Tensor:
        """The loss, a scalar, with the gradients of its surrogate; a guide that cannot be reparameterised is Pyro's own affair."""
        [(modelled, guided)] = self._get_traces(model, guide, args, kwargs)
        sites = [site for site in guided.nodes.values() if site["type"] == "sample"]
        if not all(is_identically_zero(site["score_parts"].score_function) for site in sites):
            loss, surrogate = self._differentiable_loss_particle(modelled, guided)
            return loss + (surrogate - surrogate.detach())
        terms = [site["log_prob_sum"] for site in modelled.nodes.values() if site["type"] == "sample"]
        entropies = [site["score_parts"].entropy_term for site in sites]
        surrogate = -(sum(terms) - sum(one.sum() for one in entropies if not is_identically_zero(one)))
        with torch.no_grad():  # Pyro adds up Python's numbers, which are doubles
            exact = -(sum(one.double() for one in terms) - sum(site["log_prob_sum"].double() for site in sites))
        return exact.to(surrogate.dtype) + (surrogate - surrogate.detach())
