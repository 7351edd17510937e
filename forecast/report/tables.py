"""The words and tables of a report, as HTML."""

import dataclasses
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from forecast.forecaster import Forecaster
from forecast.notation import shown, title
from forecast.scoring.evaluation import Evaluation
from forecast.scoring.scores import METRICS

MISSES = 20
LONGEST = 60  # letters of a name that are shown
HEADS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "nmse": "nMSE",
    "spearman": "Spearman",
    "crps": "CRPS",
    "coverage_95": "95 % held",
    "width_95": "width",
    "interval_score_95": "interval score",
}


def answer(evaluation: Evaluation) -> str:
    """The one sentence: how near for half of the videos, and what the intervals held."""
    first = evaluation.targets[0]
    truth = evaluation.truth[:, 0]
    error = np.abs(truth - evaluation.rows["median"][:, 0])[~np.isnan(truth)]
    held = evaluation.metrics["mean"]["coverage_95"]
    if not len(error) or held is None:
        return "The truth is not known for these videos, so nothing can be said of how good the forecasts are."
    near = float(np.median(error))
    within = f"a factor of {np.exp(near):.1f}" if evaluation.scale.counts else f"{near:.2g}"
    return (
        f"For half of the videos the forecast of {escape(title(first))} is within {within} of the truth; "
        f"the 95 % intervals held {percent(held)}."
    )


def groups(evaluation: Evaluation) -> str:
    """Scores by group."""
    kinds = {"authors": "Authors", "followers": "Followers", "age": "Age of the video"}
    within = "typical factor" if evaluation.scale.counts else "typical error"
    rows = []
    for kind, found in evaluation.metrics["groups"].items():
        for name, group in found.items():
            near = f"{np.exp(group['typical_error']):.1f}" if evaluation.scale.counts else number(group["typical_error"])
            rows.append([kinds[kind], name, f"{group['rows']:,}", number(group["crps"]), near, percent(group["coverage_95"])])
    return table(["", "", "videos", "CRPS", within, "95 % held"], rows, text=2)


def totals(evaluation: Evaluation) -> str:
    """What the intervals of an author's total held, by number of videos, beside those of draws that are independent between videos."""
    rows = []
    for found in evaluation.metrics["totals"]:
        alone = found["independent"]
        held = [percent(one["coverage_95"]) for one in (found, alone)]
        width = [number(one["width_log_95"]) for one in (found, alone)]
        rows.append([title(found["target"]), f"{found['videos']}", f"{found['authors']:,}", *held, *width])
    return table(["", "videos", "authors", "95 % held", "if independent", "width", "if independent"], rows, text=1)


def misses(evaluation: Evaluation, names: Sequence[str] | None = None) -> str:
    """The largest distances between median and truth, with their intervals; `names` (N) are shown beside the ids."""
    distance = np.nan_to_num(np.abs(evaluation.truth - evaluation.rows["median"]), nan=-1.0)
    order = np.argsort(-distance, axis=None, kind="stable")[:MISSES]
    rows = []
    for row, k in zip(*np.unravel_index(order, distance.shape), strict=True):
        if distance[row, k] < 0:
            continue
        value = {name: shown(float(evaluation.rows[name][row, k]), evaluation.scale) for name in ("median", "lower_95", "upper_95")}
        truth = shown(float(evaluation.truth[row, k]), evaluation.scale)
        interval = f"{value['lower_95']} to {value['upper_95']}"
        who = [] if names is None else [str(names[row])[:LONGEST]]
        rows.append([str(evaluation.ids[row]), *who, title(evaluation.targets[k]), truth, value["median"], interval])
    who = [] if names is None else ["author"]
    return table(["video", *who, "target", "truth", "forecast", "95 % interval"], rows, text=2 + len(who))


def scores(evaluation: Evaluation) -> str:
    """Every score beside the baseline's."""
    metrics = evaluation.metrics
    heads = "".join(f"<th>{HEADS[name]}</th>" for name in METRICS)
    lines = []
    named = [*((title(name), metrics["targets"][name], metrics["baseline_targets"][name]) for name in metrics["targets"])]
    for name, ours, base in [*named, ("mean", metrics["mean"], metrics["baseline"])]:
        cells = "".join(f"<td>{number(ours[metric])}<br><span>{number(base[metric])}</span></td>" for metric in METRICS)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return f'<div class="wide"><table class="scores"><thead><tr><th></th>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def settings(forecaster: Forecaster) -> str:
    """Data, versions and every setting of the run."""
    about = forecaster.about
    rows = [["data", str(about.get("data", "-"))], ["data fingerprint", str(about.get("fingerprint", "-"))]]
    rows += [["program", str(about.get("program", "-"))]]
    parts = about.get("parts") or dict.fromkeys(forecaster.featurizer.shapes, "-")
    rows += [[f"part {name}", str(said)] for name, said in parts.items()]
    rows += [[name, str(value)] for name, value in (about.get("versions") or {}).items()]
    for item in dataclasses.fields(forecaster.configuration):
        value = getattr(forecaster.configuration, item.name)
        rows.append([item.name.replace("_", " "), ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)])
    return table(["setting", "value"], rows, text=2)


def table(heads: list[str], rows: Iterable[list[str]], *, text: int) -> str:
    """An HTML table that scrolls on a phone; the first `text` columns are words, the others numbers."""
    kind = ["words" if place < text else "" for place in range(len(heads))]
    head = "".join(f'<th class="{kind[place]}">{escape(cell)}</th>' for place, cell in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f'<td class="{c}">{escape(cell)}</td>' for c, cell in zip(kind, row, strict=True)) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def percent(share: float | None) -> str:
    """95.1 %."""
    return "-" if share is None else f"{100 * share:.1f} %"


def number(value: float | None) -> str:
    """Three decimals."""
    return "-" if value is None else f"{value:.3f}"
