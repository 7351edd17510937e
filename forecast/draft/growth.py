"""The fan chart of one draft: what it may reach as it gets older."""

import math

import numpy as np
from matplotlib.figure import Figure

from forecast.draft.outlook import Outlook
from forecast.notation import duration, round_counts, short, title
from forecast.report.style import BLUE, SKY, as_written


def growth_figure(outlook: Outlook) -> Figure:
    """Median, 50 % and 95 % interval over the time since publication, one panel a target."""
    found = outlook.quantiles()
    columns = min(2, len(outlook.targets))
    rows = -(-len(outlook.targets) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for k, (panel, target) in enumerate(zip(panels, outlook.targets, strict=False)):
        level = {name: values[:, k] for name, values in found.items()}
        ages = outlook.horizons
        told = [one.counts[target] for one in outlook.read if target in one.counts]
        if told:  # the fan begins at what is known
            ages = (outlook.read[-1].age, *ages)
            begin = math.log1p(told[-1])
            level = {name: np.concatenate([[begin], values]) for name, values in level.items()}
            points = [(one.age, math.log1p(one.counts[target])) for one in outlook.read if target in one.counts]
            panel.plot(*zip(*points, strict=True), color=BLUE, marker="s", markersize=4, linestyle=":", label="read" if k == 0 else None)
        mark = "o" if len(outlook.horizons) <= 6 else ""
        panel.fill_between(ages, level["lower_95"], level["upper_95"], color=SKY, alpha=0.3, linewidth=0, label="95 %")
        panel.fill_between(ages, level["lower_50"], level["upper_50"], color=SKY, alpha=0.6, linewidth=0, label="50 %")
        panel.plot(ages, level["median"], color=BLUE, marker=mark, markersize=4, label="median")
        panel.set_title(title(target), loc="left")
        panel.set_xscale("log")
        panel.set_xticks(_ticks(outlook.horizons), [duration(tick) for tick in _ticks(outlook.horizons)])
        panel.minorticks_off()
        if outlook.scale.counts:
            counts = round_counts(*panel.get_ylim())
            panel.set_yticks([math.log1p(count) for count in counts], [short(count) for count in counts])
        panel.grid(axis="y", alpha=0.3)
    for panel in panels[len(outlook.targets) :]:
        panel.set_axis_off()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False)
    figure.supxlabel("after publication")
    return as_written(figure)


def _ticks(horizons: tuple[float, ...]) -> list[float]:
    """The horizons themselves if few, else five round ages among them."""
    if len(horizons) <= 6:
        return list(horizons)
    hour, day = 3600.0, 86_400.0
    round_ages = (hour, 6 * hour, day, 3 * day, 7 * day, 30 * day, 90 * day, 365 * day)
    return [age for age in round_ages if horizons[0] <= age <= horizons[-1]] or [horizons[0], horizons[-1]]
