"""The published figure, from an `Evaluation`."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from features.files import writing
from forecast.evaluation import Evaluation

SHOWN = 150  # videos shown; more would hide the points


def published_figure(evaluation: Evaluation) -> Figure:
    """Per video, log(1 + forecast) - log(1 + truth) as points around 0, the 95 % interval as a band; one panel a metric (Wang and Li)."""
    names = evaluation.targets
    figure = Figure(figsize=(9, 2.2 * len(names) + 0.6), layout="constrained")
    panels = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    for k, (panel, name) in enumerate(zip(panels, names, strict=True)):
        known = np.flatnonzero(~np.isnan(evaluation.truth[:, k]))
        shown = known[np.linspace(0, len(known) - 1, min(SHOWN, len(known))).astype(int)] if len(known) else known
        truth, row = evaluation.truth[shown, k], {key: values[shown, k] for key, values in evaluation.rows.items() if values.ndim == 2}
        index = np.arange(len(shown))
        panel.fill_between(
            index, row["lower_95"] - truth, row["upper_95"] - truth, color="#56B4E9", alpha=0.35, linewidth=0, label="95 % interval"
        )
        panel.plot(index, row["mean"] - truth, ".", color="#0072B2", markersize=4, label="forecast")
        panel.axhline(0.0, color="#444444", linewidth=0.8)
        panel.set_title(name.replace("_", " "), loc="left", fontsize=10)
    label = "log(1 + forecast) - log(1 + truth)" if evaluation.scale == "log1p" else "forecast - truth"
    figure.supylabel(label, fontsize=9)
    panels[-1].set_xlabel("video")
    panels[0].legend(loc="upper right", ncols=2, fontsize=8, frameon=False)
    return figure


def draw_figures(evaluation: Evaluation, out: Path) -> None:
    """Write forecast.png and forecast.svg into `out`."""
    figure = published_figure(evaluation)
    with matplotlib.rc_context({"svg.hashsalt": "clipcast"}):
        for suffix in ("png", "svg"):
            with writing(out / f"forecast.{suffix}") as temporary:
                figure.savefig(temporary, dpi=150, metadata={"Date": None} if suffix == "svg" else None)
