"""A program: a model and a guide that belong together, and the networks that both are given."""

import ast
import hashlib
import importlib.util
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from guide import guide
from machine.errors import InputError
from machine.files import regular_file
from model import model
from program.networks import build

PIECES = ("model", "guide", "build")
CONSTANT = (bool, int, float, complex, str, bytes)
LIBRARIES = ("pyro", "torch")  # what their classes use follows from their own source


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

    @property
    def name(self) -> str:
        """The names of model and guide, as people know them."""
        return f"{_name(self.model)} and {_name(self.guide)}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the syntax of the three functions and of what they use of their own file, constants too; comments do not count."""
        return hashlib.sha256("\n".join(_source(getattr(self, name), set()) for name in PIECES).encode()).hexdigest()

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
    linecache.checkcache(str(file))
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises
        raise InputError(f"--program {file}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    found = vars(module)
    given = {name: found[name] for name in PIECES if callable(found.get(name))}
    if not {"model", "guide"} & given.keys():
        raise InputError(f"--program {file}: defines neither a function model nor a function guide")
    return Program(**given, file=file.absolute())


def _name(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _syntax(source: str) -> str:
    return ast.dump(ast.parse(textwrap.dedent(source)))


def _source(thing: Any, seen: set[int]) -> str:
    """The syntax of a function, a class or an object's class, and of what it uses of the same module; each once."""
    while hasattr(thing, "func"):  # of a partial, and of Pyro's handlers
        thing = thing.func
    if id(thing) in seen:
        return ""
    seen.add(id(thing))
    about: Any = thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing)
    inner = getattr(thing, "model", None) if about is not thing else None  # an AutoGuide knows its model
    parts = [_source(inner, seen)] if callable(inner) else []
    code = getattr(about, "__code__", None)
    try:
        parts.append(_syntax(inspect.getsource(about)))
    except (OSError, TypeError, SyntaxError):
        parts.append(getattr(about, "__qualname__", repr(type(about))) if code is None else f"{code.co_code.hex()} {code.co_consts}")
    theirs = inspect.isclass(about) and about.__module__.partition(".")[0] not in LIBRARIES
    methods = vars(about).values() if theirs else ()
    for function in [about] if code is not None else filter(inspect.isfunction, methods):
        for name in sorted(_names(function.__code__)):
            used = None if name.startswith("__") else function.__globals__.get(name)
            if (inspect.isfunction(used) or inspect.isclass(used)) and used.__module__ == about.__module__:
                parts.append(_source(used, seen))
            elif _constant(used):
                parts.append(f"{name} = {used!r}")
    return "\n".join(parts)


def _constant(value: Any) -> bool:
    """Whether the text of a value says all of it, and is the same in every process."""
    return all(map(_constant, value)) if isinstance(value, (tuple, list)) else isinstance(value, CONSTANT)


def _names(code: CodeType) -> set[str]:
    """The global names that code, and the functions inside of it, use."""
    inside = (_names(one) for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*inside)


SHIPPED = Program()
