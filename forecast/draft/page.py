"""The forecast of a draft, and the comparison of two, as HTML, in the page's words."""

import re
import tempfile
from collections.abc import Sequence
from html import escape

import numpy as np

from forecast.draft.compare import compare
from forecast.draft.outlook import Outlook, precision
from forecast.notation import duration, shown, title
from forecast.report.tables import table
from forecast.scoring.subsets.usual import ABOVE
from machine.errors import InputError

CSS = (
    ".answer table { width: 100%; font-variant-numeric: tabular-nums } .answer td, .answer th { text-align: right; padding: .2rem .5rem } "
    ".answer .words { text-align: left }"
)
READ = "What the table says was read of them is known"
OPTIONS = {  # of the commands, as the page calls them
    "nothing was read up to the horizon and the age of --seen": "nothing was read up to then",
    "choose a later --horizon": "choose a later age",
    "--seen last": READ,
    "--so-far": "Read since",
    "--video": "Video",
    "--goal": "Goal",
    "--targets": "target",
    "--compare: ": "",
}


def said(sentence: str) -> str:
    """The sentence with the page's labels in place of the commands' options, and uploaded files by their names alone."""
    for option, label in OPTIONS.items():
        sentence = sentence.replace(option, label)
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/(?:[^/\s]+/)*", "", sentence)


def page_of(found: Outlook, horizons: Sequence[float], problems: Sequence[str]) -> str:
    """Every target at some horizons, the parts, and remarks."""
    at = found.at(horizons)
    level, above = at.quantiles(), [at.above(times) for times in ABOVE.values()]
    told = not np.isnan(above[0]).all()
    rows = []
    for k, target in enumerate(at.targets):
        for h, horizon in enumerate(at.horizons):
            cell = {name: shown(float(values[h, k]), at.scale) for name, values in level.items()}
            half, most = f"{cell['lower_50']} to {cell['upper_50']}", f"{cell['lower_95']} to {cell['upper_95']}"
            chances = [f"{chance[h, k]:.0%}" if chance[h, k] == chance[h, k] else "-" for chance in above] if told else []
            rows.append([title(target) if h == 0 else "", duration(horizon), cell["median"], half, most, *chances])
    parts = [[name, precision(part)] for name, part in found.parts.items()]
    notes = "".join(f"<p>{escape(said(note))}</p>" for note in (*found.notes, *found.warnings, *problems))
    chances_heads = ["above usual", "3 x usual"] if told else []
    main = table(["", "after", "median", "50 % interval", "95 % interval", *chances_heads], rows, text=1)
    return f'<div class="answer">{main}<h3>What each part contributes</h3>{table(["part", "precision"], parts, text=1)}{notes}</div>'


def verdict_of(one: Outlook, two: Outlook, horizons: Sequence[float]) -> str:
    """Which of two drafts reaches more, by target and horizon; or why that cannot be said."""
    try:
        found = compare(one.at(horizons), two.at(horizons))
    except InputError as error:
        return f"<p>{escape(said(str(error)))}</p>"
    heads = ["Draft A reaches more", *(f"after {duration(horizon)}" for horizon in found.horizons)]
    rows = [
        [title(target), *(f"{found.probability[h, k]:.0%}" for h in range(len(found.horizons)))] for k, target in enumerate(found.targets)
    ]
    return f'<div class="answer">{table(heads, rows, text=1)}</div>'
