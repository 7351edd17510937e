"""How pictures look, on white and on dark paper. Colours are those of Okabe and Ito, which colour-blind people can tell apart."""

import contextlib
from collections.abc import Iterator
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Text

BLUE, SKY, ORANGE, VERMILION, GREEN = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#009E73"
INK, PAPER = "#1a1a1a", "#ffffff"
DARK_INK, DARK_PAPER = "#e8e6e3", "#16181c"


@contextlib.contextmanager
def style(*, dark: bool = False) -> Iterator[None]:
    """Draw what is made inside in one of the two looks."""
    ink, paper = (DARK_INK, DARK_PAPER) if dark else (INK, PAPER)
    settings: dict[Any, Any] = {
        "figure.facecolor": paper,
        "axes.facecolor": paper,
        "savefig.facecolor": paper,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 10.0,
        "axes.titlesize": 11.0,
        "svg.hashsalt": "clipcast",
        "text.parse_math": False,  # a name may hold dollars
    }
    with matplotlib.rc_context(settings):  # type: ignore[arg-type]
        yield


def as_written(figure: Figure) -> Figure:
    """The same figure, none of whose words is taken for a formula, also where `style` is not in force: a name may hold dollars."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # type: ignore[attr-defined]
    return figure


def line(dark: bool) -> str:
    """The colour of lines that must be seen on either paper."""
    return SKY if dark else BLUE


def rule(dark: bool) -> str:
    """The colour of reference lines."""
    return DARK_INK if dark else "#444444"
