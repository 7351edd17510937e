"""Train: a dataset in, a run directory out."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.run.configuration import PRESETS, add_options
from machine import command
from machine.processes import prepare_workers

if TYPE_CHECKING:
    import numpy as np

EXAMPLES = """examples:
  python train.py                                       the built-in simulated world
  python train.py --data DATA --run runs/first          a dataset directory
  python train.py --data DATA --split author            tests on authors never seen
  python train.py --from runs/first --data MINE         go on with data of your own, from 30 rows on
  python train.py --run runs/first --resume             go on after an interruption
  python train.py --preset paper --kl-weight 0.01       the published networks
  torchrun --nproc_per_node 2 -- train.py --data DATA   each member in two processes, as if in one"""

IMPORTED = ("training.members", "sklearn.mixture", "torch._dynamo")  # by workers: what takes longest


def _parser() -> command.Parser:
    parser = command.Parser(prog="train.py", description="Train a forecaster.", epilog=EXAMPLES)
    parser.add_argument("--data", metavar="DATA", help="dataset directory or videos file (default: the simulated world)")
    command.lenient_option(parser)
    parser.add_argument("--run", type=command.path, metavar="RUN", help="run directory to write (default: a new one under runs/)")
    parser.add_argument("--from", dest="parent", type=command.path, metavar="RUN", help="finished run to go on from (default: none)")
    parser.add_argument("--keep-names", action="store_true", help="let reports of this run show user names (default: hashes only)")
    command.program_option(parser)
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished run (default: the newest under runs/)")
    parser.add_argument("--preset", choices=PRESETS, default="default", help="where settings start from (default: %(default)s)")
    parser.add_argument(
        "--workers", type=command.whole(0, 64), default=0, metavar="N", help="members trained at once, on the CPU (default: one a core)"
    )
    add_options(parser)
    command.common_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    options = _parser().parse_args(arguments)
    if _at_once(options):
        prepare_workers(*IMPORTED)  # beside this process, which imports the same and then reads the data
    from training import data_parallel
    from training.members import follow

    device = command.device(options.device)
    with data_parallel.group(device):
        if data_parallel.RANK == 0:
            _train(options, device)
        else:
            follow(device)


def _at_once(options: Any) -> bool:
    """Whether several members may be trained at once, as far as the options tell."""
    readable = options.data is None or Path(options.data).exists()
    apart = options.workers != 1 and options.device in ("auto", "cpu") and "WORLD_SIZE" not in os.environ
    return readable and apart and options.parent is None


def _train(options: Any, device: Any) -> None:
    from features.simulated.world import read_or_simulate
    from forecast.pair import ForecasterPair
    from program import read_program
    from training import go_on, train
    from training.start import open_run

    run, configuration, source, parent = open_run(options)
    lenient = options.lenient or run.begun.get("lenient", False)
    dataset = read_or_simulate(source, **configuration.reading, lenient=lenient)
    settings = {"program": read_program(options.program), "run": run.path, "source": source, "keep_names": options.keep_names}
    if parent is None:
        forecaster = train(dataset, configuration, workers=options.workers, device=device, **settings)
    else:
        forecaster = go_on(parent, dataset, configuration, workers=options.workers, device=device, **settings)
    print(f"run          {run.path}")
    parts = forecaster.about["parts"]
    for number, (name, said) in enumerate(parts.items()):
        print(f"{'' if number else 'parts':12s} {name:{max(map(len, parts))}s}  {said}")
    print(f"targets      {', '.join(forecaster.targets)}")
    if isinstance(forecaster, ForecasterPair):
        read = f" ({forecaster.share_read:.0%} once a video was read)" if forecaster.featurizer.follows else ""
        print(f"from         {parent}, moved to these rows; {forecaster.share:.0%} of each forecast is of a run of these rows alone{read}")
        for name in forecaster.targets:
            if name not in forecaster.second.targets:
                print(f"             {name}, which no row knows, is forecast by the moved run alone")
    by_author = forecaster.configuration.split == "author"
    stretches, coming = forecaster.calibration.strangers if by_author else forecaster.calibration.known, forecaster.calibration.coming
    if forecaster.configuration.calibrate:
        print(f"stretch      {_halves(stretches)} of the 95 % intervals below and above the median, so that validation rows are held")
    if coming is not None:
        print(f"             {_halves(coming)} of those of drafts by known authors, so that the newest rows are held")
    if options.program is not None:
        print("linear       none beside a program of your own: compare its scores with those of train.py --no-linear")
    program = "" if options.program is None else f" --program {shlex.quote(str(options.program))}"
    print(f"next         python evaluate.py --run {shlex.quote(str(run.path))}{program} --samples 1000")


def _halves(stretches: np.ndarray) -> str:
    return ", ".join(f"{below:.2f} and {above:.2f}" for below, above in stretches.T)


if __name__ == "__main__":
    sys.exit(command.run(main))
