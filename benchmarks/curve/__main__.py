"""CRPS against the number of training rows, beside peers, on data sets and on subsets made to be unlike them.

python -m benchmarks.curve --data DIR [--quick] [--json FILE] [--out DIR]

DIR holds the data sets' folders, see `benchmarks.curve.sets`; those that are not there are left out. With `--json`, what FILE already holds
is not run again. `--out` gets the table, curve.md, and the picture, curve.png.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.curve import shown
from benchmarks.curve.cells import OURS, PEERS, cell, sizes
from benchmarks.curve.sets import SETS
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
    done = _read(options.json) if options.json else []
    for name in options.sets:
        one = SETS[name]
        if not (options.data / one.folder).is_dir():
            continue
        dataset = one.read(options.data)
        for rows in sizes(dataset, wanted):
            for seed in seeds:
                for forecaster in options.forecasters:
                    if any((it["set"], it["rows"], it["seed"], it["forecaster"]) == (name, rows, seed, forecaster) for it in done):
                        continue
                    done.append({"set": name} | cell(forecaster, one, dataset, rows, seed, **settings))
                    print(json.dumps(done[-1]), file=sys.stderr, flush=True)
                    if options.json:
                        write_text(options.json, json.dumps(done, indent=1) + "\n")
    if not done:
        raise InputError(f"{options.data}: holds none of the data sets' folders")
    print(shown.table(done))
    if options.out:
        write_text(options.out / "curve.md", shown.table(done) + "\n")
        shown.picture(done, options.out / "curve.png")


def _read(path: Path) -> list[dict[str, Any]]:
    """The cells that the file holds already."""
    if not path.exists():
        return []
    try:
        return [dict(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not a file that this command wrote") from error


def _parser() -> command.Parser:
    def names(known: Sequence[str]) -> Any:
        def parse(text: str) -> list[str]:
            found = [name.strip() for name in text.split(";" if ";" in text else ",") if name.strip()]
            if text in known:
                return [text]
            if set(found) - set(known):
                raise ValueError(text)
            return found

        return parse

    def numbers(text: str) -> list[int]:
        return [command.whole(0, 2**32 - 1)(number) for number in text.split(",")]

    parser = command.Parser(prog="python -m benchmarks.curve", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data sets' folders")
    parser.add_argument("--quick", action="store_true", help="100 to 1,000 rows and one seed")
    parser.add_argument("--rows", type=numbers, help="comma-separated numbers of training rows")
    parser.add_argument("--seeds", type=numbers, help="comma-separated")
    parser.add_argument("--sets", type=names(tuple(SETS)), default=list(SETS), help=f"separated by semicolons, of {'; '.join(SETS)}")
    parser.add_argument("--forecasters", type=names((*PEERS, OURS)), default=[*PEERS, OURS], help="comma-separated (default: all)")
    parser.add_argument("--members", type=command.whole(0, 64), default=0, help="networks of clipcast (default: its own choice)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all cells here, and go on from what it holds")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the table and the picture here")
    return parser


if __name__ == "__main__":
    sys.exit(command.run(main))
