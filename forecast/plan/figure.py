"""The picture of a plan: a dot with its 50 and 95 % intervals for each draft, and the total beside them."""

import math

import numpy as np
from matplotlib.figure import Figure

from forecast.notation import duration, round_counts, short, title
from forecast.plan.plan import Plan
from forecast.plan.written import first_target, ranked
from forecast.report.style import BLUE, ORANGE, VERMILION, as_written

MOST = 40  # drafts that are drawn, the best ones


def plan_figure(plan: Plan) -> Figure:
    """Drafts in the order of their medians, best first; counts on a log axis."""
    k, order = first_target(plan), ranked(plan)[:MOST]
    name = plan.targets[k]
    level = {key: values[order, k] for key, values in plan.rows.items()}
    total = {key: math.log1p(value) if plan.scale.counts else value for key, value in plan.of_total()[name].items()}
    figure = Figure(figsize=(min(max(5.0, 2.6 + 0.34 * len(order)), 14.0), 4.6), layout="constrained")
    drafts, together = figure.subplots(1, 2, sharey=plan.scale.counts, width_ratios=[max(len(order), 4), 2.2])
    _dots(drafts, np.arange(len(order)), level, BLUE)
    drafts.set_xticks(np.arange(len(order)), [_short(one) for one in plan.ids[order]], rotation=60, ha="right", fontsize=8)
    drafts.set_title(f"{title(name)} after {duration(plan.horizon)}", loc="left")
    _dots(together, np.zeros(1), {key: np.array([total[key]]) for key in level}, ORANGE)
    together.set_xticks([0], [f"total of {len(plan.ids):,}"], fontsize=8)
    together.set_xlim(-1, 1)
    if name in plan.goals:
        goal = math.log1p(plan.goals[name]) if plan.scale.counts else plan.goals[name]
        together.axhline(goal, color=VERMILION, linewidth=1.2, linestyle="--", label="goal")
    drawn = {text: line for panel in (together, drafts) for line, text in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(drawn.values(), drawn.keys(), loc="outside upper right", ncols=3, frameon=False, fontsize=9)
    if plan.scale.counts:
        counts = round_counts(*drafts.get_ylim())
        drafts.set_yticks([math.log1p(count) for count in counts], [short(count) for count in counts])
    for panel in (drafts, together):
        panel.grid(axis="y", alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    if len(plan.ids) > MOST:
        drafts.set_xlabel(f"the best {MOST} of {len(plan.ids):,}")
    return as_written(figure)


def _dots(panel, place: np.ndarray, level: dict[str, np.ndarray], colour: str) -> None:
    panel.vlines(place, level["lower_95"], level["upper_95"], color=colour, alpha=0.45, linewidth=1.6, label="95 %")
    panel.vlines(place, level["lower_50"], level["upper_50"], color=colour, linewidth=4.0, label="50 %")
    panel.plot(place, level["median"], "o", color="white", markeredgecolor=colour, markersize=5.5)


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"
