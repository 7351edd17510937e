"""What each part of a video is worth: a dataset trained and evaluated with every part left out in turn, as a table in Markdown.

    python -m benchmarks.parts --data DIR --targets popularity --target-scale identity --out docs/ablation.md

Each line is `train.py --without PART` and `evaluate.py` on the same held-out rows; other options go to train.py.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machine.command import Parser, run
from machine.errors import InputError
from machine.files import write_text

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ("crps", "rmse", "spearman", "coverage_95", "width_95")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = Parser(prog="benchmarks.parts", description=__doc__)
    parser.add_argument("--data", required=True, metavar="DIR", help="dataset directory")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the table (default: only print it)")
    options, train_options = parser.parse_known_args(arguments)
    whole = _scores(options.data, train_options, ())
    lines = [_line("all parts", whole["mean"], whole["mean"])]
    for part in whole["parts"]:
        lines.append(_line(f"without {part}", _scores(options.data, train_options, (part,))["mean"], whole["mean"]))
        print(lines[-1], flush=True)
    if len(whole["parts"]) > 1:
        for part in whole["parts"]:
            others = tuple(other for other in whole["parts"] if other != part)
            lines.append(_line(f"{part} alone", _scores(options.data, train_options, others)["mean"], whole["mean"]))
            print(lines[-1], flush=True)
    lines.append(_line("nothing (baseline)", whole["baseline"], whole["mean"]))
    command = f"python -m benchmarks.parts --data {Path(options.data).name} {' '.join(train_options)}".strip()
    text = "\n".join(
        [
            "# What each part is worth",
            "",
            f"{whole['rows']:,} held-out rows of `{Path(options.data).name}`, {whole['samples']} draws each; `{command}`.",
            "",
            "| parts | " + " | ".join(SHOWN) + " | CRPS against all parts |",
            "|---" * (len(SHOWN) + 2) + "|",
            *lines,
            "",
        ]
    )
    print(text)
    if options.out:
        write_text(options.out, text)


def _scores(data: str, train_options: Sequence[str], without: tuple[str, ...]) -> dict:
    """metrics.json of a run without these parts, and the parts that it used."""
    left_out = ["--without", ",".join(without)] if without else []
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run"
        _call("train.py", "--data", data, "--run", str(path), *train_options, *left_out)
        _call("evaluate.py", "--run", str(path))
        metrics = json.loads((path / "evaluation" / "metrics.json").read_text())
        features = json.loads((path / "features.json").read_text())
    return metrics | {"parts": list(features["columns"])}


def _call(script: str, *options: str) -> None:
    result = subprocess.run([sys.executable, str(ROOT / script), *options], capture_output=True, text=True, check=False, env=os.environ)
    if result.returncode:
        raise InputError(f"{script} {' '.join(options)}: {result.stderr.strip() or f'exit code {result.returncode}'}")


def _line(name: str, scores: dict, whole: dict) -> str:
    cells = ["-" if scores[metric] is None else f"{scores[metric]:.3f}" for metric in SHOWN]
    return f"| {name} | {' | '.join(cells)} | {100 * (scores['crps'] / whole['crps'] - 1):+.1f} % |"


if __name__ == "__main__":
    sys.exit(run(main))
