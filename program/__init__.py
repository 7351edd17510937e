"""A program: a model and a guide that belong together, and the networks that both are given. The shipped one, or the user's own."""

from collections.abc import Callable
from typing import NamedTuple

from guide import guide
from model import model
from program.networks import Networks, build

__all__ = ["SHIPPED", "Networks", "Program", "build", "guide", "model"]


class Program(NamedTuple):
    """What is trained.

    Attributes:
        model: `model(videos, decoder, kl_weight)`, with the sites z and popularity.
        guide: `guide(videos, experts, kl_weight)`, with the site z.
        build: `build(shapes, targets, configuration)` returns networks with `experts` and `decoder`.
    """

    model: Callable = model
    guide: Callable = guide
    build: Callable = build

    @property
    def name(self) -> str:
        """How a run directory remembers which model and guide were trained."""
        return f"{getattr(self.model, '__name__', 'model')} and {getattr(self.guide, '__name__', 'guide')}"


SHIPPED = Program()
