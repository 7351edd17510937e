"""Many parameters as one: an optimiser takes some time for each tensor, however small, and a network here has hundreds of them."""

import torch
from torch import nn


def flatten(modules: nn.Module) -> list[nn.Parameter]:
    """One parameter for each type of number, in whose memory the trained parameters of `modules` lie from now on, and their gradients.

    Gradients begin as 0 and are added to in place, so they must be set to 0 and not to None.
    """
    of_type: dict[torch.dtype, list[nn.Parameter]] = {}
    for parameter in modules.parameters():
        if parameter.requires_grad:
            of_type.setdefault(parameter.dtype, []).append(parameter)
    return [_flat(parameters) for parameters in of_type.values()]


def _flat(parameters: list[nn.Parameter]) -> nn.Parameter:
    whole = nn.Parameter(torch.cat([one.detach().flatten() for one in parameters]))
    whole.grad = torch.zeros_like(whole)
    sizes = [one.numel() for one in parameters]
    for one, values, gradients in zip(parameters, whole.detach().split(sizes), whole.grad.split(sizes), strict=True):
        one.data, one.grad = values.view_as(one), gradients.view_as(one)
    return whole
