"""Clipcast beside what a user would otherwise pick: same rows, same raw columns, same scores, one table.

    python -m benchmarks.peers --data DIR --split random --peers catboost,lightgbm,ridge,clipcast --json FILE

Each peer runs in its own process. With `--json`, what FILE already holds is not run again; one FILE is of one dataset, one version of the
code and one set of options. `--into README.md` puts a short table, with rows, seeds and versions, between the lines
`<!-- peers DIR SPLIT -->` and `<!-- end -->` of that file, DIR being the folder's last name.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import among, listed
from benchmarks.peers.names import NETWORKS, OF_FOLLOWED, TREES
from benchmarks.peers.tables import markdown, put, short, table
from benchmarks.results import Results
from features.tables.columns import COUNTS
from machine.command import Parser, number, run, whole
from machine.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PEERS = (*TREES, *NETWORKS, "ridge", "clipcast", "clipcast-paper")
SETTINGS = ("targets", "target_scale", "test_share", "seen", "horizon", "threads", "clipcast_options")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the arguments, run every peer on every split and seed, print the table."""
    options = _parser().parse_args(arguments)
    data = str(Path(options.data).resolve())
    fingerprint, values = _about(data, options.folds)
    splits = [f"{options.folds}={value}" for value in values] if options.folds else [options.split]
    settings = {name: getattr(options, name) for name in SETTINGS}
    results = Results(options.json, settings | {"command": "benchmarks.peers", "data": fingerprint})
    for seed in options.seeds:
        for peer in options.peers:
            for split in splits:
                which = {"peer": peer, "split": split, "seed": seed}
                if not results.has(**which):
                    print(f"{peer}, split {split}, seed {seed} ...", file=sys.stderr, flush=True)
                    results.add(_run(settings | which | {"data": data}))
    shown = [run for run in results.runs if run["peer"] in options.peers and run["split"] in splits and run["seed"] in options.seeds]
    print(markdown(table(shown)))
    if options.into:
        split = options.folds or options.split
        put(options.into, f"peers {Path(data).name} {split}", short(table(shown), shown))


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


def _about(data: str, column: str | None) -> tuple[str, list[str]]:
    """The fingerprint of the data and the values of the fold column, if any, read in another process, to keep this one small."""
    code = (
        "import json, sys\nfrom features.tables.dataset import read_dataset\n"
        "data = read_dataset(sys.argv[1], targets=(), target_scale='identity')\n"
        "values = data.videos.get(sys.argv[2])\n"
        "print(json.dumps([data.fingerprint, [] if values is None else sorted(values.dropna().astype(str).unique())]))"
    )
    done = subprocess.run([sys.executable, "-c", code, data, column or ""], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(done.stderr.strip().splitlines()[-1].partition(": ")[2])
    fingerprint, values = json.loads(done.stdout)
    if column and len(values) < 2:
        raise InputError(f"--folds {column}: {data} has no such column, or it holds one value only")
    return fingerprint, values


def _parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--data", required=True, help="dataset directory or videos file")
    parser.add_argument("--split", default="random", help="random, author, time or COLUMN=VALUE (default: %(default)s)")
    parser.add_argument("--folds", metavar="COLUMN", help="instead of --split: every value of this column tests once")
    parser.add_argument("--test-share", type=number(1e-6, 0.9), default=0.1, help="share of the rows that tests (default: %(default)s)")
    parser.add_argument("--seeds", type=listed(whole(0, 2**32 - 1)), default=[0], help="comma-separated (default: 0)")
    parser.add_argument("--targets", type=listed(str), default=list(COUNTS), help="comma-separated (default: the four counts)")
    parser.add_argument("--target-scale", choices=["log1p", "identity"], default="log1p", help="(default: %(default)s)")
    parser.add_argument(
        "--peers",
        type=listed(among((*PEERS, *OF_FOLLOWED))),
        default=list(PEERS),
        help=f"comma-separated, of {', '.join(PEERS)} (default: all); {', '.join(OF_FOLLOWED)}",
    )
    parser.add_argument(
        "--clipcast-options",
        type=shlex.split,
        default=[],
        metavar="TEXT",
        help="more options for clipcast's train.py, as in --clipcast-options='--width 256 --depth 2' (default: none)",
    )
    parser.add_argument("--seen", default="0", metavar="AGE", help="of followed videos, as of evaluate.py (default: %(default)s)")
    parser.add_argument("--horizon", default="last", metavar="AGE", help="likewise (default: %(default)s)")
    parser.add_argument("--threads", type=whole(1, 1024), default=1, help="threads of each peer (default: %(default)s)")
    parser.add_argument("--into", type=Path, metavar="FILE", help="Markdown file whose marked lines are replaced by a short table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results here, and go on from what it holds")
    return parser


if __name__ == "__main__":
    sys.exit(run(main))
