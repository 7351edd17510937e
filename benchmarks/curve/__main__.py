"""CRPS against the number of training rows, beside peers, on data sets and on subsets made to be unlike them.

python -m benchmarks.curve --data DIR [--quick] [--json FILE] [--out DIR]

DIR holds the data sets' folders, see `benchmarks.curve.sets`; those that are not there are left out. With `--json`, what FILE already holds
is not run again; one FILE is of one version of each data set and of the code, and of one number of members. `--out` gets the table,
curve.md, and the picture, curve.png.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import among, listed
from benchmarks.curve import shown
from benchmarks.curve.cells import OURS, PEERS, cell, sizes
from benchmarks.curve.sets import SETS
from benchmarks.results import Results
from machine import command
from machine.errors import InputError
from machine.files import write_text

ROWS = (50, 100, 300, 1000, 3000, 10_000)
QUICK = (100, 300, 1000)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cells that are lacking, print the table."""
    options = _parser().parse_args(arguments)
    wanted = options.rows or list(QUICK if options.quick else ROWS)
    seeds = options.seeds or ([0] if options.quick else [0, 1, 2])
    settings = {"members": options.members} if options.members else {}
    results = Results(options.json, {"command": "benchmarks.curve", "members": options.members})
    for name in options.sets:
        one = SETS[name]
        if not (options.data / one.folder).is_dir():
            continue
        dataset = one.read(options.data)
        results.settle({one.folder: dataset.fingerprint})
        for rows in sizes(dataset, wanted):
            for seed in seeds:
                for forecaster in options.forecasters:
                    if not results.has(set=name, rows=rows, seed=seed, forecaster=forecaster):
                        results.add({"set": name} | cell(forecaster, one, dataset, rows, seed, **settings))
                        print(json.dumps(results.runs[-1]), file=sys.stderr, flush=True)
    if not results.runs:
        raise InputError(f"{options.data}: holds none of the data sets' folders")
    print(shown.table(results.runs))
    if options.out:
        write_text(options.out / "curve.md", shown.table(results.runs) + "\n")
        shown.picture(results.runs, options.out / "curve.png")


def _parser() -> command.Parser:
    parser = command.Parser(prog="python -m benchmarks.curve", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data sets' folders")
    parser.add_argument("--quick", action="store_true", help="100 to 1,000 rows and one seed")
    parser.add_argument("--rows", type=listed(command.whole(1)), help="comma-separated numbers of training rows")
    parser.add_argument("--seeds", type=listed(command.whole(0, 2**32 - 1)), help="comma-separated")
    parser.add_argument(
        "--sets", type=listed(among(tuple(SETS)), ";"), default=list(SETS), help=f"separated by semicolons, of {'; '.join(SETS)}"
    )
    parser.add_argument("--forecasters", type=listed(among((*PEERS, OURS))), default=[*PEERS, OURS], help="comma-separated (default: all)")
    parser.add_argument("--members", type=command.whole(0, 64), default=0, help="networks of clipcast (default: its own choice)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all cells here, and go on from what it holds")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the table and the picture here")
    return parser


if __name__ == "__main__":
    sys.exit(command.run(main))
