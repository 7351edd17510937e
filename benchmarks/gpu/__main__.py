"""What a GPU gives, in one call; without one, the same lines in small on a CPU.

python -m benchmarks.gpu [--data DIR] [--json FILE] [--quick]
"""

import json
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.gpu import lines
from features.simulated.world import read_or_simulate, simulate
from forecast.run.configuration import Configuration
from machine import command
from machine.files import write_text


def measure(quick: bool, data: str | None, where: torch.device) -> Iterator[lines.Line]:
    """Every line: small sizes on a CPU, or when quick; narrow networks when both."""
    card = where.type == "cuda"
    width = 256 if card or not quick else 32
    yield from lines.training_steps((256, 4096, 32768) if card else (64, 256) if quick else (256, 4096), 20 if card else 3, width, where)
    yield from lines.forecasts((200_000 if not quick else 20_000) if card else 2_000, 1000 if card else 100, width, where)
    yield from lines.extraction((32 if not quick else 8) if card else 2, where)
    dataset = read_or_simulate(data, seed=0) if data else simulate(4000 if card else 400)[0]
    small = Configuration(members=1, epochs=2, width=32, latent=8)
    yield from lines.whole_training(dataset, small if quick or not (card or data) else Configuration(), 1000 if card else 100, where)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = command.Parser(prog="python -m benchmarks.gpu", description="What a GPU gives.")
    parser.add_argument("--data", metavar="DIR", help="dataset of the whole training (default: the simulated world)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines there")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    options = parser.parse_args(arguments)
    where = command.device("auto")
    card = torch.cuda.get_device_name() if where.type == "cuda" else platform.processor() or platform.machine()
    print(card, f"torch {torch.__version__}, Python {platform.python_version()}")
    found = []
    for line in measure(options.quick, options.data, where):
        print(f"{line.name:78s} {line.value:12.4g} {line.unit}", flush=True)
        found.append({"device": card} | line._asdict())
        if options.json:
            write_text(options.json, json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(command.run(main))
