"""Clipcast beside what a user would otherwise pick: same rows, same raw columns, same scores, one table.

    python -m benchmarks.peers --data DIR --split random --peers catboost,lightgbm,ridge,clipcast --json FILE

Each peer runs in its own process. With `--json`, what FILE already holds is not run again. `--into README.md` puts a short table, with
rows, seeds and versions, between the lines `<!-- peers DIR SPLIT -->` and `<!-- end -->` of that file, DIR being the folder's last name.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that `python benchmarks/peers.py` works, too

from features.tables.columns import COUNTS
from machine.command import Parser, number, run, whole
from machine.errors import InputError
from machine.files import write_text

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("catboost", "catboost-quantiles", "lightgbm", "ngboost", "realmlp", "tabm", "ridge", "clipcast", "clipcast-paper")
OF_FOLLOWED = ("last-value", "log-linear")  # peers that make no sense where nothing was read
SETTINGS = ("data", "targets", "target_scale", "test_share", "seen", "horizon")  # one JSON file is about one of each
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments, run every peer on every split and seed, print the table."""
    options = _parser().parse_args(arguments)
    data = str(Path(options.data).resolve())
    splits = [f"{options.folds}={value}" for value in _folds(data, options)] if options.folds else [options.split]
    settings = {"data": data} | {
        name: getattr(options, name) for name in ("targets", "target_scale", "test_share", "seen", "horizon", "threads")
    }
    runs = _read(options.json, settings) if options.json else []
    for seed in options.seeds:
        for peer in options.peers:
            for split in splits:
                if any((done["peer"], done["split"], done["seed"]) == (peer, split, seed) for done in runs):
                    continue
                print(f"{peer}, split {split}, seed {seed} ...", file=sys.stderr, flush=True)
                runs.append(_run(settings | {"peer": peer, "split": split, "seed": seed}))
                if options.json:
                    write_text(options.json, json.dumps({**settings, "table": table(runs), "runs": runs}, indent=1) + "\n")
    shown = [done for done in runs if done["peer"] in options.peers and done["split"] in splits and done["seed"] in options.seeds]
    print(markdown(table(shown)))
    if options.into:
        split = options.folds or options.split
        put(options.into, f"peers {Path(data).name} {split}", short(table(shown), shown))


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


def _run(job: dict) -> dict:
    """Run one job in a process of its own; this process stays small, since a child's peak memory starts at its parent's."""
    threads = {name: str(job["threads"]) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    with tempfile.TemporaryDirectory() as temporary:
        result = Path(temporary) / "result.json"
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.peers.worker"],
            input=json.dumps(job | {"result": str(result)}),
            text=True,
            cwd=ROOT,
            env=os.environ | threads,
            stdout=sys.stderr,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise InputError(f"{job['peer']} on {job['split']} failed: {lines[-1].removeprefix('error: ')}")
        return json.loads(result.read_text(encoding="utf-8"))


def _folds(data: str, options) -> list[str]:
    """Read the values of the fold column in another process, to keep this one small."""
    code = (
        "import json, sys\nfrom features.tables.dataset import read_dataset\n"
        "videos = read_dataset(sys.argv[1], targets=(), count_targets=False).videos\n"
        "print(json.dumps(sorted(videos[sys.argv[2]].dropna().astype(str).unique()) if sys.argv[2] in videos else []))"
    )
    done = subprocess.run([sys.executable, "-c", code, data, options.folds], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(done.stderr.strip().splitlines()[-1].partition(": ")[2])
    values = json.loads(done.stdout)
    if len(values) < 2:
        raise InputError(f"--folds {options.folds}: {data} has no such column, or it holds one value only")
    return values


def _read(path: Path, settings: dict) -> list[dict]:
    """Read the runs that the file holds already."""
    if not path.exists():
        return []
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name in SETTINGS if held[name] != settings[name]]
        runs = held["runs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a file that this command wrote") from error
    if other:
        raise InputError(f"{path}: holds results for another {', '.join(other)}")
    return runs


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _parser() -> Parser:
    def peers(text: str) -> list[str]:
        unknown = [name for name in _names(text) if name not in (*PEERS, *OF_FOLLOWED)]
        if unknown:
            raise ValueError(unknown)
        return _names(text)

    def seeds(text: str) -> list[int]:
        return [whole(0, 2**32 - 1)(seed) for seed in _names(text)]

    parser = Parser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--data", required=True, help="dataset directory or videos file")
    parser.add_argument("--split", default="random", help="random, author, time or COLUMN=VALUE (default: %(default)s)")
    parser.add_argument("--folds", metavar="COLUMN", help="instead of --split: every value of this column tests once")
    parser.add_argument("--test-share", type=number(1e-6, 0.9), default=0.1, help="share of the rows that tests (default: %(default)s)")
    parser.add_argument("--seeds", type=seeds, default=[0], help="comma-separated (default: 0)")
    parser.add_argument("--targets", type=_names, default=list(COUNTS), help="comma-separated (default: the four counts)")
    parser.add_argument("--target-scale", choices=["log1p", "identity"], default="log1p", help="(default: %(default)s)")
    parser.add_argument(
        "--peers", type=peers, default=list(PEERS), help=f"comma-separated, of {', '.join(PEERS)} (default: all); {', '.join(OF_FOLLOWED)}"
    )
    parser.add_argument("--seen", default="0", metavar="AGE", help="of followed videos, as of evaluate.py (default: %(default)s)")
    parser.add_argument("--horizon", default="last", metavar="AGE", help="likewise (default: %(default)s)")
    parser.add_argument("--threads", type=whole(1, 1024), default=1, help="threads of each peer (default: %(default)s)")
    parser.add_argument("--into", type=Path, metavar="FILE", help="Markdown file whose marked lines are replaced by a short table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results here, and go on from what it holds")
    return parser


if __name__ == "__main__":
    sys.exit(run(main))
