"""What the commands share: options, one-sentence errors, exit codes. No heavy library is imported here."""

import argparse
import atexit
import gc
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from machine.errors import InputError, InputWarning
from machine.processes import device_name

if TYPE_CHECKING:
    import torch

# threads that wait for each other sleep instead of spinning, which takes several times the processor on a busy machine
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses abbreviations and keeps the examples' line breaks."""

    def __init__(self, **options) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        """Print one sentence and exit 2."""
        self.exit(2, f"error: {message}\n")


def common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command honours."""
    group = parser.add_argument_group("machine")
    group.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="where to compute (default: %(default)s)")
    group.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help="seed of everything random (default: %(default)s)")


def program_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a file with the user's own model and guide."""
    meaning = "Python file with your own model and guide, and build if you have one; the file is executed (default: those of clipcast)"
    parser.add_argument("--program", type=path, metavar="FILE", help=meaning)


def past_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names outcomes of other videos."""
    meaning = "outcomes of other videos, of the same authors best: a dataset, a table, or whatever extract.py reads (no clip is opened)"
    parser.add_argument("--past", type=path, metavar="DATA", help=meaning)


def lenient_option(parser: argparse._ActionsContainer) -> None:
    """Add the option that leaves out rows which cannot be used."""
    meaning = "leave out and count rows with a bad id, time or target, which are an error otherwise"
    parser.add_argument("--lenient", action="store_true", help=meaning)


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """An argument type: a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if number < low or (high is not None and number > high):
            raise argparse.ArgumentTypeError(f"{number} is not {f'at least {low}' if high is None else f'from {low} to {high}'}")
        return number

    return parse


def path(text: str) -> Path:
    """An argument type: a path, which an empty text is not."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    return Path(text)


def number(low: float = -math.inf, high: float = math.inf, *, above: float = -math.inf) -> Callable[[str], float]:
    """An argument type: a finite number from `low` to `high`, and greater than `above`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not math.isfinite(value):
            raise argparse.ArgumentTypeError(f"{text} is not finite")
        if value <= above:
            raise argparse.ArgumentTypeError(f"{text} is not greater than {above:g}")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return parse


def device(name: str) -> "torch.device":
    """The device called `name`; `auto` takes a GPU where there is one.

    Raises:
        InputError: that device is not there.
    """
    import torch

    return torch.device(device_name(name))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside, and as many as before afterwards."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def run(main: Callable[[Sequence[str] | None], None], arguments: Sequence[str] | None = None) -> int:
    """Run a command's `main` and return its exit code: 0, 2 with one sentence on bad input, 130 when interrupted."""
    warnings.showwarning = _show_warning
    gc.set_threshold(100_000)  # importing torch makes a million objects that stay: looking them through takes half a second
    atexit.register(gc.freeze)  # and a third of one more when the interpreter ends
    try:
        main(arguments)
    except InputError as error:
        print(f"error: {_one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        sys.unraisablehook = lambda unraisable: None  # a progress bar that was being made cannot be closed, and would say so
        print("\ninterrupted: what was finished is kept; run the same command again to go on (train.py with --resume)", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:  # a full disk, a file that may not be read: the machine's fault, said like the input's
        print(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror or _one_line(str(error))}", file=sys.stderr)
        return 2
    return 0


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    if issubclass(category, InputWarning):
        print(f"warning: {_one_line(str(message))}", file=sys.stderr)


def _one_line(text: str) -> str:
    return " ".join(text.split())
