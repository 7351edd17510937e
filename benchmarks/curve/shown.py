"""The curve as a table and as a picture."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.curve.cells import OURS

Done = Sequence[dict[str, Any]]
TICKS = (50, 100, 300, 1000, 3000, 10_000, 30_000)


def table(done: Done) -> str:
    """One line a set and size in Markdown: CRPS of each forecaster, mean over seeds, ours relative to the best peer's, and our coverage."""
    forecasters = list(dict.fromkeys(it["forecaster"] for it in done))
    lines = [f"| set | rows | {' | '.join(forecasters)} | of the best peer | 95 % held |", "|" + "---|" * (4 + len(forecasters))]
    for name, rows in dict.fromkeys((it["set"], it["rows"]) for it in done):
        crps = {forecaster: mean(done, name, rows, forecaster) for forecaster in forecasters}
        cells = ["" if value is None else f"{value:.3f}" for value in crps.values()]
        ratio, held = relative(done, name, rows), mean(done, name, rows, OURS, "coverage_95")
        shown = ["" if value is None else f"{value:.3f}" for value in (ratio, held)]
        lines.append(f"| {name} | {rows:,} | {' | '.join(cells)} | {' | '.join(shown)} |")
    return "\n".join(lines)


def mean(done: Done, name: str, rows: int, forecaster: str, score: str = "crps") -> float | None:
    """Mean of a score over the seeds of a cell; None where there is none."""
    found = [it[score] for it in done if (it["set"], it["rows"], it["forecaster"]) == (name, rows, forecaster) and it[score] is not None]
    return fmean(found) if found else None


def relative(done: Done, name: str, rows: int) -> float | None:
    """Our CRPS divided by that of the best peer of the cell."""
    ours = mean(done, name, rows, OURS)
    peers = [mean(done, name, rows, peer) for peer in {it["forecaster"] for it in done} - {OURS}]
    known = [value for value in peers if value is not None]
    return ours / min(known) if ours is not None and known else None


def picture(done: Done, path: Path) -> None:
    """CRPS relative to the best peer against rows, a panel for the data sets as they are and one for those unlike them."""
    import matplotlib.pyplot as plt

    from benchmarks.curve.sets import SETS, as_it_is
    from forecast.report.style import BLUE, GREEN, INK, ORANGE, SKY, VERMILION
    from machine.files import writing

    colours = (BLUE, ORANGE, GREEN, VERMILION, SKY)
    sizes = [it["rows"] for it in done]
    ticks = [size for size in TICKS if min(sizes) <= size <= max(sizes)]
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharex=True, sharey=True, layout="constrained")
    for panel, plain, title in zip(panels, (True, False), ("data sets", "made to be unlike them"), strict=True):
        for place, name in enumerate(name for name in SETS if (SETS[name].change is as_it_is) == plain):
            rows = sorted({it["rows"] for it in done if it["set"] == name})
            points = [(size, ratio) for size in rows if (ratio := relative(done, name, size)) is not None]
            if points:
                panel.plot(
                    *zip(*points, strict=True),
                    marker="o^s"[place // len(colours)],
                    markersize=4,
                    color=colours[place % len(colours)],
                    label=name,
                )
        panel.axhline(1.0, color=INK, linewidth=0.8)
        panel.set(xscale="log", xlabel="training rows", title=title)
        panel.set_xticks(ticks, [f"{size:,}" for size in ticks])
        panel.minorticks_off()
        if panel.lines[:-1]:
            panel.legend(fontsize="small")
    panels[0].set_ylabel("CRPS / best peer's CRPS")
    with writing(path) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
    plt.close(figure)
