"""Networks without memory: they give the names, shapes and types of weights, which are compared with a file before networks are built."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

MADE: dict[Any, Callable[..., Tensor]] = {
    torch.randn: torch.empty,
    torch.rand: torch.empty,
    torch.linspace: lambda start, end, steps, **options: torch.empty(steps, **options),
}
SCALED = (Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.div, Tensor.__truediv__, Tensor.normal_)


class _Unfilled(TorchFunctionMode):
    """Skips drawing, filling and scaling, which change no shape. On tensors without memory they make torch import its compiler (2 s)."""

    def __torch_function__(self, function: Any, types: Any, arguments: tuple = (), options: Mapping[str, Any] | None = None) -> Any:
        options = options or {}
        if function in MADE:
            return MADE[function](*arguments, **options)
        if getattr(function, "__module__", "") == nn.init.__name__:
            return options["tensor"] if "tensor" in options else arguments[0]
        if function in SCALED and not any(isinstance(one, Tensor) for one in arguments[1:]):
            return arguments[0]
        return function(*arguments, **options)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Tensors made inside have a shape and a type, but neither memory nor values."""
    with torch.device("meta"), _Unfilled():
        yield
