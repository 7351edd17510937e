"""report.html: one file without outside addresses, for screens, phones and paper, light and dark."""

import base64
import io
import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from forecast.forecaster import Forecaster
from forecast.report import figures, tables
from forecast.report.appearance import CSS
from forecast.report.style import style
from forecast.scoring.evaluation import Evaluation
from machine.files import write_text, writing

PICTURES: dict[str, tuple[Callable[..., Figure], str, str]] = {
    "forecast": (
        figures.published_figure,
        "Forecast against truth, video by video",
        "Points are forecasts, the band their 95 % intervals, both relative to the truth, which is the line at 0.",
    ),
    "coverage": (
        figures.coverage_figure,
        "Do intervals hold what they promise?",
        "At 0 an interval holds exactly its share of the truths; below, too few; in the grey band, chance alone explains the distance.",
    ),
    "pit": (
        figures.pit_figure,
        "Where truths fall in their forecasts",
        "Flat is right; a hump means too wide, two horns too narrow, a slope too high or too low.",
    ),
    "truth": (
        figures.truth_figure,
        "Forecast and truth in counts",
        "One point a video, on log axes; on the diagonal, the median forecast is the truth.",
    ),
    "looks": (
        figures.looks_figure,
        "How much do readings tell?",
        "Means over the targets, against the time from the look to the reading forecast; one line for each age at which one looks.",
    ),
    "parts": (
        figures.parts_figure,
        "What each part contributes",
        "Left, the share of the posterior's precision an expert brings; right, what the score loses when the part is left out, "
        "with two standard errors. An error bar that reaches 0 means: no contribution that can be told from noise.",
    ),
}


def write_report(
    evaluation: Evaluation, forecaster: Forecaster, out: Path, *, data: str, command: str, names: Sequence[str] | None = None
) -> None:
    """Write report.html, and every picture as PNG and SVG, into `out`; pictures that the report lacks are removed.

    Args:
        evaluation: with the measures of `forecast.report.measures`.
        forecaster: the run, for its settings.
        out: directory.
        data: name of the rows that were forecast.
        command: what reproduces the report.
        names: (N) authors to show beside the largest misses, where the run was trained with --keep-names.
    """
    wanted = ["parts"] if not evaluation.known else [name for name in PICTURES if name != "looks" or evaluation.metrics.get("looks")]
    shown = {name: _picture(name, evaluation, out) for name in wanted}
    for name in PICTURES.keys() - shown.keys():  # of an earlier evaluation
        for suffix in ("png", "svg"):
            (out / f"{name}.{suffix}").unlink(missing_ok=True)
    write_text(out / "report.html", page(evaluation, forecaster, shown, data=data, command=command, names=names))


def page(
    evaluation: Evaluation,
    forecaster: Forecaster,
    pictures: dict[str, str],
    *,
    data: str,
    command: str,
    names: Sequence[str] | None = None,
) -> str:
    """The page; `pictures` are HTML by the names in `PICTURES`."""
    rows = f"{evaluation.metrics['rows']:,} videos of {escape(data)}, {evaluation.metrics['samples']:,} draws each"
    numbers = json.dumps(evaluation.metrics).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>clipcast: report of an evaluation</title>
<style>{CSS}</style>
</head>
<body>
<main>
<header>
<h1>How good were the forecasts?</h1>
<p class="answer">{tables.answer(evaluation)}</p>
<p class="small">{rows}</p>
</header>
{_sections(evaluation, pictures, names)}
<section id="settings"><h2>Settings and how to reproduce this</h2>
<pre>{escape(command)}</pre>
{tables.settings(forecaster)}
</section>
</main>
<script type="application/json" id="metrics">{numbers}</script>
</body>
</html>
"""


def _sections(evaluation: Evaluation, pictures: dict[str, str], names: Sequence[str] | None) -> str:
    """Everything between the answer and the settings; without a truth, only what needs none."""
    if not evaluation.known:
        return _figure("parts", pictures)
    return f"""{_figure("forecast", pictures)}
{_figure("coverage", pictures)}
{_figure("pit", pictures)}
{_figure("truth", pictures)}
{_figure("looks", pictures) if "looks" in pictures else ""}
<section id="groups"><h2>For whom do they hold?</h2>
{tables.groups(evaluation)}
</section>
{_totals(evaluation)}
{_figure("parts", pictures)}
<section id="misses"><h2>The twenty largest misses</h2>
{tables.misses(evaluation, names)}
</section>
<section id="scores"><h2>Scores</h2>
<p class="small">In grey: a forecast that ignores the video. Natural logarithms for counts.</p>
{tables.scores(evaluation)}
</section>"""


def _totals(evaluation: Evaluation) -> str:
    """What several videos of one author reach together, where enough authors have several."""
    if not evaluation.metrics.get("totals"):
        return ""
    return f"""<section id="totals"><h2>Do totals of one author's videos hold?</h2>
{tables.totals(evaluation)}
<p class="small">The first videos in time of each author, summed; widths are those of log(1 + total).</p>
</section>"""


def _figure(name: str, pictures: dict[str, str]) -> str:
    _, heading, caption = PICTURES[name]
    return f'<section id="{name}"><h2>{heading}</h2>\n<figure>{pictures[name]}<figcaption>{caption}</figcaption></figure>\n</section>'


def _picture(name: str, evaluation: Evaluation, out: Path) -> str:
    """Draw one picture in both looks; write the light one as PNG and SVG; return the HTML that shows the one that fits."""
    draw, heading, caption = PICTURES[name]
    sources = {}
    for dark in (False, True):
        with style(dark=dark):
            figure = draw(evaluation, dark=dark)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=150)
            sources[dark] = base64.b64encode(buffer.getvalue()).decode()
            if not dark:
                with writing(out / f"{name}.svg") as temporary:
                    temporary.write_bytes(buffer.getvalue())
                with writing(out / f"{name}.png") as temporary:
                    figure.savefig(temporary, dpi=150)
    width, height = (figure.get_size_inches() * 72).astype(int)
    alt = escape(f"{heading}. {caption} {_spoken(name, evaluation)}", quote=True)
    address = "data:image/svg+xml;base64,"
    return (
        f'<picture><source media="screen and (prefers-color-scheme: dark)" srcset="{address}{sources[True]}">'
        f'<img src="{address}{sources[False]}" width="{width}" height="{height}" alt="{alt}"></picture>'
    )


def _spoken(name: str, evaluation: Evaluation) -> str:
    """The picture's main number, for those who cannot see it."""
    metrics = evaluation.metrics
    if name == "forecast":
        return f"95 % intervals held {tables.percent(metrics['mean']['coverage_95'])} of the truths."
    if name == "coverage":
        held = [value[metrics["coverage"]["levels"].index(0.5)] for value in metrics["coverage"]["targets"].values()]
        return f"50 % intervals held {tables.percent(float(np.mean([one for one in held if one is not None])))}." if any(held) else ""
    if name == "truth":
        return f"Rank correlation {tables.number(metrics['mean']['spearman'])}."
    if name == "parts":
        order = sorted(metrics["parts"], key=lambda part: -(metrics["parts"][part]["crps_lost_without"] or 0.0))
        return f"From most to least: {', '.join(order)}."
    return ""
