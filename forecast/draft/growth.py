"""The fan chart of one draft: what it may reach as it gets older."""

import numpy as np
from matplotlib.figure import Figure

from forecast.draft.outlook import Outlook
from forecast.notation import duration, shown, title
from forecast.report.style import BLUE, SKY


def growth_figure(outlook: Outlook) -> Figure:
    """Median, 50 % and 95 % interval over the time since publication, one panel a target."""
    found = outlook.quantiles()
    columns = min(2, len(outlook.targets))
    rows = -(-len(outlook.targets) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for k, (panel, target) in enumerate(zip(panels, outlook.targets, strict=False)):
        level = {name: values[:, k] for name, values in found.items()}
        mark = "o" if len(outlook.horizons) <= 6 else ""
        panel.fill_between(outlook.horizons, level["lower_95"], level["upper_95"], color=SKY, alpha=0.3, linewidth=0, label="95 %")
        panel.fill_between(outlook.horizons, level["lower_50"], level["upper_50"], color=SKY, alpha=0.6, linewidth=0, label="50 %")
        panel.plot(outlook.horizons, level["median"], color=BLUE, marker=mark, markersize=4, label="median")
        panel.set_title(title(target), loc="left")
        panel.set_xscale("log")
        panel.set_xticks(_ticks(outlook.horizons), [duration(tick) for tick in _ticks(outlook.horizons)])
        panel.minorticks_off()
        panel.yaxis.set_major_formatter(lambda value, place: shown(value, outlook.scale))
        panel.grid(axis="y", alpha=0.3)
    for panel in panels[len(outlook.targets) :]:
        panel.set_axis_off()
    panels[0].legend(loc="lower right", frameon=False)
    figure.supxlabel("after publication")
    return figure


def fan_horizons(horizons: tuple[float, ...], count: int = 16) -> list[float]:
    """Ages for a smooth chart: `count` of them, evenly spaced on a log axis between the first and the last (or a tenth of it)."""
    first = horizons[0] if len(horizons) > 1 else horizons[0] / 10
    return [float(age) for age in np.geomspace(first, horizons[-1], count)]


def _ticks(horizons: tuple[float, ...]) -> list[float]:
    """The horizons themselves if few, else five round ages among them."""
    if len(horizons) <= 6:
        return list(horizons)
    hour, day = 3600.0, 86_400.0
    round_ages = (hour, 6 * hour, day, 3 * day, 7 * day, 30 * day, 90 * day, 365 * day)
    return [age for age in round_ages if horizons[0] <= age <= horizons[-1]] or [horizons[0], horizons[-1]]
