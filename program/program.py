"""A program: a model and a guide that belong together, and the networks that both are given."""

import contextlib
import hashlib
import importlib.util
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from guide import guide
from machine.errors import InputError
from machine.files import regular_file
from model import model
from program.fingerprint import fingerprint, is_users
from program.networks import build

PIECES = ("model", "guide", "build")


@dataclass(frozen=True)
class Program:
    """What is trained and forecast.

    Attributes:
        model: `model(videos, decoder, kl_weight)`, with a site `popularity` and latent sites.
        guide: `guide(videos, experts, kl_weight)`, with the same latent sites; or an AutoGuide of the model.
        build: `build(shapes, targets, configuration)` returns networks with `experts` and `decoder`.
        file: where they were read from; None for functions of this process.
    """

    model: Callable = model
    guide: Callable = guide
    build: Callable = build
    file: Path | None = None

    def __post_init__(self) -> None:
        for name in PIECES:
            if not callable(getattr(self, name)):
                raise InputError(f"{name}: a {type(getattr(self, name)).__name__} is no function")

    @classmethod
    def of(cls, program: Any, model: Callable, guide: Callable, build: Callable) -> "Program":
        """`program`, or that of three functions where it is None.

        Raises:
            InputError: it is something else, or a function is none.
        """
        if program is not None and not isinstance(program, cls):
            raise InputError(f"program: a {type(program).__name__} is no Program (`program.read_program` reads a file)")
        return program or cls(model, guide, build)

    @property
    def name(self) -> str:
        """The names of model and guide, as people know them."""
        return f"{_name(self.model)} and {_name(self.guide)}"

    @cached_property  # of what the functions were when they were given: what they use may change as they run
    def fingerprint(self) -> str:
        """SHA-256 over the three functions and what they use, see `program.fingerprint`."""
        return fingerprint(getattr(self, name) for name in PIECES)

    @property
    def about(self) -> dict[str, str | None]:
        """What a run directory remembers of it."""
        return {"name": self.name, "file": None if self.file is None else self.file.name, "fingerprint": self.fingerprint}

    @property
    def portable(self) -> bool:
        """Whether another process can have it, too: the shipped one, or one from a file."""
        return self.file is not None or self == SHIPPED

    def __reduce__(self) -> Any:
        """Another process imports the shipped functions, or reads the file again."""
        return (Program, (self.model, self.guide, self.build)) if self.file is None else (read_program, (self.file,))


def read_program(file: Path | None) -> Program:
    """The functions `model` and `guide`, and `build` if it is there, of a Python file that the user names; None is the shipped program.

    It may import what lies beside it.

    Raises:
        InputError: no such file, an error in it, or neither `model` nor `guide` in it.
    """
    if file is None:
        return SHIPPED
    regular_file(file)
    name = f"clipcast_program_{hashlib.sha256(str(file.absolute()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"--program {file}: not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and inspect look for it there
    linecache.checkcache()
    try:
        with _importable(file.absolute().parent):
            spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises
        raise InputError(f"--program {file}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    found = vars(module)
    given = {name: found[name] for name in PIECES if callable(found.get(name))}
    if not {"model", "guide"} & given.keys():
        raise InputError(f"--program {file}: defines neither a function model nor a function guide")
    program = Program(**given, file=file.absolute())
    program.fingerprint  # noqa: B018  (as it was read: the file may be edited while this one is at work)
    return program


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The modules beside a file can be imported inside. They are forgotten afterwards: another file has others of the same names."""
    before = {*sys.modules}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in sys.modules.keys() - before:
            if is_users(name) and Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
                del sys.modules[name]


def _name(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__)


SHIPPED = Program()
