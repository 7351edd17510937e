"""Speed, as ratios measured side by side in one run: ours against hand-written PyTorch of identical mathematics.

python -m benchmarks.speed [--quick] [--only 1,3] [--json FILE]

Processor seconds of one thread, medians over rounds in which the two sides take turns. On a GPU, lines 1 and 2 are measured there.
"""

import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.arguments import among, listed
from benchmarks.speed import forecasts, growth, training
from benchmarks.speed.measure import Entry
from machine import command
from machine.files import write_text

LINES = ("1", "2", "3", "4", "5", "7")


def measure(quick: bool, only: set[str], where: torch.device) -> Iterator[Entry]:
    """Every entry of the lines asked for."""
    rounds = 3 if quick else 7
    if "1" in only:
        yield from training.against_hand_written(8 * rounds, where)
    if "2" in only:
        turns, count, chunks = (5, 160, (8, 16)) if quick else (28, 250, (4, 8, 16, 64))
        yield from forecasts.against_hand_written(turns, count, chunks, where)
        yield from forecasts.memory(*((5_000, 100_000, 20, 16) if quick else (10_000, 200_000, 100, 256)))
    if "3" in only:
        repetitions, count, numbers = (4, 64, (12, 13, 14, 256)) if quick else (50, 64, forecasts.Z)
        entries, errors = forecasts.mixture_against_draws(repetitions, count, numbers)
        yield from entries
        print("\nroot mean squared error of the 95 % bounds, in predictive standard deviations")
        print("\n".join(f"  {name:30s} {value:.4f}" for name, value in errors.items()) + "\n")
    if "4" in only:
        yield from training.from_disk(rounds, 50_000 if quick else 1_000_000)
    if only & {"5", "7"}:
        with tempfile.TemporaryDirectory() as directory:
            run = growth.small_run(Path(directory))
            if "5" in only:
                yield from growth.cold_starts(run)
            if "7" in only:
                entries, table = growth.linear((1_000, 4_000) if quick else (1_000, 10_000, 100_000), run, 3.0 if quick else 20.0)
                yield from entries
                print(f"\nmilliseconds of the processor a video\n{table.round(3).to_string()}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = command.Parser(prog="python -m benchmarks.speed", description="Speed ratios.")
    parser.add_argument("--quick", action="store_true", help="fewer videos and rounds: under five minutes")
    parser.add_argument(
        "--only", type=listed(among(LINES)), default=list(LINES), metavar="A,B", help=f"lines to measure (default: {','.join(LINES)})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the ratios there")
    options = parser.parse_args(arguments)
    where = command.device("auto")
    torch.set_num_threads(1)
    print(
        torch.cuda.get_device_name() if where.type == "cuda" else platform.processor() or platform.machine(), f"torch {torch.__version__}"
    )
    found = []
    for entry in measure(options.quick, set(options.only), where):
        print(f"{entry.name:78s} {entry.ratio:7.3f}  at most {entry.bound:<5g} {'' if entry.holds else 'MISSED'}", flush=True)
        found.append(entry.to_dict())
        if options.json:
            write_text(options.json, json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(command.run(main))
