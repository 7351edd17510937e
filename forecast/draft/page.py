"""The forecast of a draft, and the comparison of two, as HTML, in the page's words."""

import re
import tempfile
from collections.abc import Sequence
from html import escape

from forecast.draft.compare import compare
from forecast.draft.outlook import Outlook, cells, precision
from forecast.notation import duration, title
from forecast.report.tables import table
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
    parts = [[name, precision(part)] for name, part in found.parts.items()]
    notes = "".join(f"<p>{escape(said(note))}</p>" for note in (*found.notes, *found.warnings, *problems))
    main = table(*cells(found.at(horizons)), text=1)
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
