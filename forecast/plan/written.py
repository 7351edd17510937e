"""A plan as people and programs read it: a table, forecasts.csv, total.json, and JSON with the joint draws."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.scale import Scale
from forecast.mixture import LEVELS
from forecast.notation import duration, short, shown, title, written_out
from forecast.plan.plan import Plan
from forecast.report.tables import table as html_table
from machine.files import write_text, writing

VERSION = 1
SHOWN = 20  # drafts of the printed table
LONGEST = 28  # letters of a name in it


def ranked(plan: Plan) -> np.ndarray:
    """Numbers of the drafts, the best first, by the first target with a goal, or the first one."""
    return np.argsort(-plan.rows["median"][:, first_target(plan)], kind="stable")


def first_target(plan: Plan) -> int:
    """Number of the target that drafts are ranked by."""
    return plan.targets.index(next(iter(plan.goals))) if plan.goals else 0


def cells(plan: Plan, most: int) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a table, one row for each of the best drafts, at most `most`; the total last."""
    k = first_target(plan)
    name, others = plan.targets[k], [j for j in range(len(plan.targets)) if j != k]
    heads = ["", title(name), "50 % interval", "95 % interval", *(title(plan.targets[j]) for j in others)]
    rows = []
    for row in ranked(plan)[:most]:
        level = {key: shown(float(values[row, k]), plan.scale) for key, values in plan.rows.items()}
        medians = [shown(float(plan.rows["median"][row, j]), plan.scale) for j in others]
        rows.append([plan.ids[row], *_intervals(level), *medians])
        if name in plan.goals:
            rows[-1].append(percent(float(plan.reach[name][row])))
    total = plan.of_total()
    level = {key: told(total[name][key], plan.scale) for key in LEVELS}
    rows.append(["total", *_intervals(level), *(told(total[plan.targets[j]]["median"], plan.scale) for j in others)])
    if name in plan.goals:
        heads.append(f"reaches {told(plan.goals[name], plan.scale)}")
        rows[-1].append(percent(total[name]["probability"]))
    return heads, rows


def table(plan: Plan) -> str:
    """The best drafts, one a line, and the total as the last line."""
    heads, rows = cells(plan, SHOWN)
    rows = [[one[0] if len(one[0]) <= LONGEST else f"{one[0][: LONGEST - 1]}…", *one[1:]] for one in rows]
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(wide) if place == 0 else cell.rjust(wide) for place, (cell, wide) in enumerate(zip(row, widths, strict=True)))
        for row in [heads, *rows]
    ]
    hidden = len(plan.ids) - SHOWN
    if hidden > 0:
        lines.insert(-1, f"... and {hidden:,} more")
    return "\n".join(line.rstrip() for line in lines)


def page(plan: Plan, remarks: Sequence[str] = ()) -> str:
    """The table as HTML, and remarks below it."""
    heads, rows = cells(plan, SHOWN)
    hidden = len(plan.ids) - SHOWN
    more = [f"The best {SHOWN} of {len(plan.ids):,} drafts; all are in forecasts.csv."] if hidden > 0 else []
    notes = "".join(f"<p>{escape(sentence)}</p>" for sentence in (*more, *remarks, *plan.warnings))
    return html_table(["draft", *heads[1:]], rows, text=1) + notes


def rows_of_plan(plan: Plan) -> pd.DataFrame:
    """The contract's forecasts.csv: one row a draft and target; with goals, the probability that the draft alone reaches it."""
    count, width = plan.rows["median"].shape
    columns: dict[str, Any] = {"id": np.repeat(plan.ids, width), "horizon": duration(plan.horizon).replace(" ", "")}
    columns["target"] = np.tile(np.array(plan.targets), count)
    for name in ("median", "lower_50", "upper_50", "lower_95", "upper_95"):
        columns[name] = written_out(plan.scale.told(plan.rows[name]).ravel(), plan.scale)
    columns |= {name: shares.ravel() for name, shares in plan.chances.items()}
    if plan.goals:
        shares = [plan.reach.get(name, np.full(count, np.nan)) for name in plan.targets]
        columns["probability"] = np.stack(shares, axis=1).ravel()
    return pd.DataFrame(columns)


def write_plan(plan: Plan, out: Path) -> None:
    """Write forecasts.csv and total.json into `out`."""
    with writing(out / "forecasts.csv") as temporary:
        rows_of_plan(plan).to_csv(temporary, index=False, float_format="%.6g")
    write_text(out / "total.json", json.dumps({"videos": len(plan.ids), "targets": total_written(plan)}, indent=2) + "\n")


def total_written(plan: Plan) -> dict[str, dict[str, Any]]:
    """The total's quantiles, goals and probabilities, whole counts as such."""
    return {
        name: {key: value if key == "probability" else written_out(np.array([value]), plan.scale)[0] for key, value in levels.items()}
        for name, levels in plan.of_total().items()
    }


def to_json(plan: Plan) -> Iterator[str]:
    """The plan as JSON, a piece at a time: what each draft may reach with its joint draws, the total with its."""
    about = {
        "version": VERSION,
        "plan": len(plan.ids),
        "run": plan.run,
        "seed": plan.seed,
        "targets": list(plan.targets),
        "scale": plan.scale,
        "horizon_seconds": plan.horizon,
        "warnings": list(plan.warnings),
        "total": total_written(plan),
        "total_samples": [[written_out(np.array([value]), plan.scale)[0] for value in draw] for draw in plan.total],
    }
    yield json.dumps(about)[:-1] + ', "drafts": ['
    for row, name in enumerate(plan.ids):
        draft: dict[str, Any] = {"id": str(name)}
        draft |= {
            key: {target: round(float(values[row, k]), 5) for k, target in enumerate(plan.targets)} for key, values in plan.rows.items()
        }
        if plan.reach:
            draft["probability"] = {target: float(shares[row]) for target, shares in plan.reach.items()}
        if plan.samples is not None:
            draft["samples"] = np.round(plan.samples[:, row].astype(np.float64), 4).tolist()
        yield (", " if row else "") + json.dumps(draft)
    yield "]}\n"


def told(value: float, scale: Scale) -> str:
    """A total as people read it."""
    return short(value) if scale.counts else f"{value:.3g}"


def percent(share: float) -> str:
    """A probability in whole percent; never 0 or 100 where draws are few."""
    return "< 1 %" if share < 0.005 else "> 99 %" if share > 0.995 else f"{share:.0%}".replace("%", " %")


def _intervals(level: dict[str, str]) -> list[str]:
    return [level["median"], f"{level['lower_50']} to {level['upper_50']}", f"{level['lower_95']} to {level['upper_95']}"]
