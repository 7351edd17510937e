"""Results as tables in Markdown: all scores, or those that readers ask for."""

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, stdev

from machine.errors import InputError
from machine.files import write_text

SHOWN = (
    "crps",
    "rmse",
    "mae",
    "r2",
    "spearman",
    "coverage_95",
    "width_95",
    "interval_score_95",
    "mape",
    "seconds",
    "cpu_seconds",
    "peak_mb",
)

SHORT = {
    "crps": "CRPS",
    "rmse": "RMSE",
    "mape": "MAPE at its point",
    "coverage_95": "95 % held",
    "interval_score_95": "interval score",
    "cpu_seconds": "processor seconds",
}
LIBRARIES = {"ridge": {"scikit-learn"}, "realmlp": {"pytabkit", "torch"}, "tabm": {"tabm", "torch"}, "clipcast": {"pyro-ppl", "torch"}}


def short(rows: list[dict], runs: list[dict]) -> str:
    """The scores that readers ask for as a Markdown table, best CRPS first, and what they were measured on."""
    shown = {name: head for name, head in SHORT.items() if any(row.get(name) is not None for row in rows)}
    lines = [f"| | {' | '.join(shown.values())} |", "|" + "---|" * (1 + len(shown))]
    for row in sorted(rows, key=lambda row: row["crps"]):
        cells = ["" if row.get(name) is None else f"{row[name]:.0f}" if name == "cpu_seconds" else f"{row[name]:.3f}" for name in shown]
        name = f"**{row['peer']}**" if row["peer"] == "clipcast" else row["peer"]
        seeds = f" (seed{'s' * (len(row['seeds']) > 1)} {', '.join(map(str, row['seeds']))})"
        lines.append(f"| {name}{seeds} | {' | '.join(cells)} |")
    used = {"python", *(name for run in runs for name in LIBRARIES.get(run["peer"].removesuffix("-paper"), {run["peer"].split("-")[0]}))}
    versions = {name: version for run in runs for name, version in run["versions"].items() if name in used}
    tested = sorted({round(row["rows"] / len(row["seeds"])) for row in rows})
    return "\n".join(
        [
            *lines,
            "",
            f"{', '.join(f'{count:,}' for count in tested)} test rows a seed; {', '.join(map(' '.join, sorted(versions.items())))}.",
        ]
    )


def put(path: Path, mark: str, text: str) -> None:
    """Replace what stands between the lines `<!-- mark -->` and `<!-- end -->` of a file.

    Raises:
        InputError: the file has no such lines.
    """
    content = path.read_text(encoding="utf-8")
    before, found, rest = content.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not found or not end:
        raise InputError(f"{path}: has no line <!-- {mark} --> with a line <!-- end --> after it")
    write_text(path, f"{before}{found}{text}\n{end}{after}")


def table(runs: list[dict]) -> list[dict]:
    """One row a peer and split: scores averaged over seeds and folds, and the spread of the CRPS over seeds.

    All folds of a column count as one split.
    """
    rows = []
    for key in dict.fromkeys((done["split"].partition("=")[0], done["peer"]) for done in runs):
        same = [done for done in runs if (done["split"].partition("=")[0], done["peer"]) == key]
        seeds = sorted({done["seed"] for done in same})
        by_seed = [fmean(done["mean"]["crps"] for done in same if done["seed"] == seed) for seed in seeds]
        row = {"split": key[0], "peer": key[1], "seeds": seeds, "runs": len(same), "rows": sum(done["rows"]["test"] for done in same)}
        row |= {name: _mean(done["mean"].get(name) for done in same) for name in same[0]["mean"]}
        row |= {"crps_sd": stdev(by_seed) if len(seeds) > 1 else None}
        row |= {name: fmean(done[name] for done in same) for name in ("seconds", "cpu_seconds")}
        row |= {"peak_mb": max(done["peak_mb"] for done in same)}
        rows.append(row)
    return rows


def markdown(rows: list[dict]) -> str:
    """Write the table as Markdown, best CRPS first within a split."""
    shown = [name for name in SHOWN if any(name in row for row in rows)]
    lines = ["| split | peer | seeds | rows | " + " | ".join(shown) + " |", "|" + "---|" * (4 + len(shown))]
    for row in sorted(rows, key=lambda row: (row["split"], row["crps"])):
        cells = [_cell(name, row.get(name)) for name in shown]
        lines.append(f"| {row['split']} | {row['peer']} | {','.join(map(str, row['seeds']))} | {row['rows']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is defined (a constant forecast has no rank correlation)."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if name in ("seconds", "cpu_seconds", "peak_mb") else f"{value:.4f}"
