"""The pictures of a report, from an `Evaluation` and what its metrics say."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from features.tables.columns import DAY
from features.tables.dataset import evenly
from forecast.notation import duration, round_counts, short, title
from forecast.report.style import ORANGE, SKY, line, rule
from forecast.scoring.evaluation import Evaluation

SHOWN = 150  # videos of the published figure; more would hide the points
POINTS = 1500  # videos of the scatter
LEADS = (1 / 24, 0.25, 1, 3, 7, 30, 90, 365)  # days ahead that an axis marks


def published_figure(evaluation: Evaluation, *, dark: bool = False) -> Figure:
    """Per video, log(1 + forecast) - log(1 + truth) as points around 0, the 95 % interval as a band; one panel a metric (Wang and Li)."""
    names = evaluation.targets
    figure = Figure(figsize=(9, 2.2 * len(names) + 0.6), layout="constrained")
    panels = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    for k, (panel, name) in enumerate(zip(panels, names, strict=True)):
        shown = _some(~np.isnan(evaluation.truth[:, k]), SHOWN)
        truth, row = evaluation.truth[shown, k], {key: evaluation.rows[key][shown, k] for key in ("mean", "lower_95", "upper_95")}
        index = np.arange(len(shown))
        band = (row["lower_95"] - truth, row["upper_95"] - truth)
        panel.fill_between(index, *band, color=SKY, alpha=0.35, linewidth=0, label="95 % interval")
        panel.plot(index, row["mean"] - truth, ".", color=line(dark), markersize=4, label="forecast")
        panel.axhline(0.0, color=rule(dark), linewidth=0.8)
        panel.set_title(title(name), loc="left")
    figure.supylabel("log(1 + forecast) - log(1 + truth)" if evaluation.scale.counts else "forecast - truth", fontsize=10)
    panels[-1].set_xlabel("video")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    return figure


def looks_figure(evaluation: Evaluation, *, dark: bool = False) -> Figure:
    """CRPS, and width of the 95 % interval, against the time ahead; one line for each age at which one looks."""
    looks = evaluation.metrics["looks"]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, 2)
    ages, leads = sorted({look["seen"] for look in looks}), [look["horizon"] - look["seen"] for look in looks]
    ticks = [lead for lead in LEADS if min(leads) <= lead <= max(leads)] or [min(leads), max(leads)]
    for place, seen in enumerate(ages):
        mine = [look for look in looks if look["seen"] == seen]
        ahead = [look["horizon"] - seen for look in mine]
        # the more is known, the darker
        shade = {"color": line(dark), "alpha": 0.25 + 0.75 * place / max(len(ages) - 1, 1)}
        for panel, name in zip(panels, ("crps", "width_95"), strict=True):
            panel.plot(ahead, [look[name] for look in mine], marker="o", markersize=3, label=_looked(seen), **shade)
    for panel, name in zip(panels, ("CRPS", "width of the 95 % interval"), strict=True):
        panel.set_title(name, loc="left")
        panel.set_xscale("log")
        panel.set_xticks(ticks, [duration(tick * DAY) for tick in ticks])
        panel.minorticks_off()
        panel.set_ylim(bottom=0.0)
    figure.supxlabel("time ahead", fontsize=10)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(ages), frameon=False)
    return figure


def _looked(seen: float) -> str:
    return "before publication" if seen == 0 else f"after {duration(seen * DAY)}"


def coverage_figure(evaluation: Evaluation, *, dark: bool = False) -> Figure:
    """Share of truths held by central intervals against their level, less the level; the band is where chance alone puts 95 % of them.

    Targets that are known of other numbers of rows have bands of their own, which then name them.
    """
    levels = np.array(evaluation.metrics["coverage"]["levels"])
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    panel = figure.subplots()
    known = (~np.isnan(evaluation.truth)).sum(axis=0)
    counts = sorted({*known[known > 0].tolist()})
    for count in counts:
        band = 1.96 * np.sqrt(levels * (1 - levels) / count)
        whose = ", ".join(title(name) for name, rows in zip(evaluation.targets, known, strict=True) if rows == count)
        label = "chance alone" if len(counts) == 1 else f"chance alone: {whose}"
        panel.fill_between(100 * levels, -100 * band, 100 * band, color=rule(dark), alpha=0.15, linewidth=0, label=label)
    panel.axhline(0.0, color=rule(dark), linewidth=0.8)
    for (name, observed), mark in zip(evaluation.metrics["coverage"]["targets"].items(), _marks(len(evaluation.targets)), strict=True):
        panel.plot(100 * levels, 100 * (np.array(observed, dtype=float) - levels), **mark, label=title(name))
    panel.set_xlabel("level of the interval, %")
    panel.set_ylabel("truths held, less the level, points")
    figure.legend(loc="outside upper right", ncols=5 if len(counts) == 1 else 3, frameon=False)
    return figure


def pit_figure(evaluation: Evaluation, *, dark: bool = False) -> Figure:
    """Where truths fall in their forecasts (probability integral transform); flat is right."""
    histogram = evaluation.metrics["pit"]
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    panels = figure.subplots(1, len(evaluation.targets), squeeze=False, sharey=True)[0]
    for panel, (name, counts) in zip(panels, histogram.items(), strict=True):
        share = np.array(counts) / max(sum(counts), 1) * len(counts)
        chance = 1.96 * math.sqrt(len(counts) / max(sum(counts), 1))
        panel.bar(np.arange(len(counts)) + 0.5, share, width=0.92, color=SKY)
        panel.axhspan(max(1 - chance, 0.0), 1 + chance, color=rule(dark), alpha=0.15, linewidth=0)
        panel.axhline(1.0, color=rule(dark), linewidth=0.8)
        panel.set_title(title(name), loc="left")
        panel.set_xticks([0, len(counts) / 2, len(counts)], ["0", "0.5", "1"])
    panels[0].set_ylabel("density")
    figure.supxlabel("share of the draws below the truth", fontsize=10)
    return figure


def truth_figure(evaluation: Evaluation, *, dark: bool = False) -> Figure:
    """Median forecast against truth, on log axes in counts; on the diagonal they agree."""
    names = evaluation.targets
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.5 * columns, 4.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for k, (panel, name) in enumerate(zip(panels, names, strict=False)):
        shown = _some(~np.isnan(evaluation.truth[:, k]), POINTS)
        truth, median = evaluation.truth[shown, k], evaluation.rows["median"][shown, k]
        panel.plot(median, truth, ".", color=line(dark), alpha=0.5, markersize=3, rasterized=True)
        ends = (min(truth.min(), median.min()), max(truth.max(), median.max())) if len(shown) else (0.0, 1.0)
        panel.plot(ends, ends, color=rule(dark), linewidth=0.8)
        panel.set_title(title(name), loc="left")
        if evaluation.scale.counts:
            _count_axes(panel)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    figure.supxlabel("forecast (median)", fontsize=10)
    figure.supylabel("truth", fontsize=10)
    return figure


def parts_figure(evaluation: Evaluation, *, dark: bool = False) -> Figure:
    """What each part brings: share of the posterior's precision, and the CRPS lost when it is left out, with two standard errors."""
    parts = evaluation.metrics["parts"]
    names = sorted(parts, key=lambda name: parts[name]["crps_lost_without"] or 0.0)
    figure = Figure(figsize=(9, 0.42 * len(names) + 1.2), layout="constrained")
    share, lost = figure.subplots(1, 2, sharey=True)
    share.barh(names, [100 * (parts[name]["precision_share"] or 0.0) for name in names], color=SKY)
    share.set_xlabel("share of the precision, %")
    values = [parts[name]["crps_lost_without"] or 0.0 for name in names]
    errors = [2 * (parts[name]["crps_lost_standard_error"] or 0.0) for name in names]
    lost.barh(names, values, xerr=errors, color=ORANGE, ecolor=rule(dark), capsize=3)
    lost.axvline(0.0, color=rule(dark), linewidth=0.8)
    lost.set_xlabel("CRPS lost without it")
    return figure


def _some(known: np.ndarray, most: int) -> np.ndarray:
    """Evenly spaced row numbers among those that are known."""
    rows = np.flatnonzero(known)
    return rows[evenly(len(rows), most)]


def _count_axes(panel: Axes) -> None:
    for axis, limits in ((panel.xaxis, panel.get_xlim()), (panel.yaxis, panel.get_ylim())):
        counts = round_counts(*limits, most=6)
        axis.set_ticks([math.log1p(count) for count in counts], [short(count) for count in counts])


def _marks(count: int) -> list[dict]:
    """Colour, marker and line of each target: told apart without colour too."""
    from forecast.report.style import BLUE, GREEN, VERMILION

    colours, markers = (SKY, ORANGE, GREEN, VERMILION, BLUE), "osD^v"
    return [{"color": colours[k % 5], "marker": markers[k % 5], "markersize": 4, "linewidth": 1.2} for k in range(count)]
