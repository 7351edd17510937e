"""What makes a program another one: the syntax of its files, and the source and values of what its functions use."""

import ast
import dis
import functools
import hashlib
import inspect
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pyro.infer.autoguide import AutoGuide
from torch import Tensor, nn
from torch.distributions.utils import lazy_property

ROOMS = ("extraction", "features", "forecast", "guide", "machine", "model", "program", "training")
INSTALLED = {"site-packages", "dist-packages"}
PLAIN = (bool, int, float, complex, str, bytes, type(None), range, slice, torch.dtype, torch.device)
HELD = ("pyro", "torch")  # libraries whose objects are told by what they hold: distributions, handlers
MEMBERS = (types.FunctionType, staticmethod, classmethod, property, functools.cached_property)
WRAPPED = ("__wrapped__", "__func__", "fget", "fset", "fdel", "func")


def fingerprint(pieces: Iterable[Any], file: Path | None = None) -> str:
    """SHA-256 over functions and what they use; comments and docstrings do not count.

    Files are read as a whole, with those that they import, unless these are installed or clipcast's own. Of functions, also those of a
    notebook, it is the source and the values of what they use. Parameters that are trained, and what cannot be told alike in each process,
    stay out.

    Args:
        pieces: the functions.
        file: where they were read from, if from one.
    """
    told = _Told({}, {})
    texts: list[str] = []
    for piece in pieces:
        told.read(_file(piece))
        texts += told.of(piece)
    told.read(file)
    return hashlib.sha256("\n".join([*texts, *sorted({*told.files.values()})]).encode("utf-8", "surrogatepass")).hexdigest()


class _Told:
    """What was told so far.

    Args:
        seen: things by their id, kept so that no other thing gets it.
        files: the syntax of files.
    """

    def __init__(self, seen: dict[int, Any], files: dict[Path, str]) -> None:
        self.seen, self.files = seen, files

    def read(self, file: Path | None) -> None:
        """Read a file, and those that it imports."""
        if file is None or file in self.files or not file.is_file():
            return
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):  # imported by nobody, or not for this Python
            return
        self.files[file] = _syntax(tree)
        for node in ast.walk(tree):
            names, level = [], 0
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                level, names = node.level, [f"{node.module or ''}.{alias.name}".strip(".") for alias in node.names]
            places = [str(file.parents[level - 1])] if level else [str(file.parent), *sys.path]
            for name in names:
                for found in _imported(name.split("."), places) if level or is_users(name) else ():
                    self.read(found)

    def of(self, thing: Any) -> Iterator[str]:
        """What a thing is and what it uses; what may hold itself is told once."""
        if isinstance(thing, PLAIN):
            yield repr(thing)
        elif isinstance(thing, Tensor | np.ndarray | np.generic):
            yield from self._numbers(thing)
        elif isinstance(thing, tuple):
            yield from self._all(("(", *thing, ")"))
        elif id(thing) not in self.seen:
            self.seen[id(thing)] = thing
            if isinstance(thing, Mapping):
                yield from self._all(("{", *(one for item in thing.items() for one in item), "}"))
            elif isinstance(thing, set | frozenset):  # their order is another one in each process
                yield from sorted("\n".join(_Told(dict(self.seen), self.files).of(one)) for one in thing)
            elif isinstance(thing, list):
                yield from self._all(("[", *thing, "]"))
            elif isinstance(thing, functools.partial):
                yield from self._all((thing.func, thing.args, thing.keywords))
            elif isinstance(thing, types.MethodType):
                yield from self._all((thing.__func__, thing.__self__))
            elif isinstance(thing, types.ModuleType):
                self.read(_file(thing))
            elif inspect.isclass(thing):
                yield from self._class(thing)
            elif isinstance(thing, MEMBERS) or inspect.isroutine(thing):
                yield from self._function(thing)
            else:
                yield from self._all((type(thing), getattr(thing, "__wrapped__", None), *_held(thing)))

    def _all(self, things: Iterable[Any]) -> Iterator[str]:
        for thing in things:
            yield from self.of(thing)

    def _numbers(self, array: Any) -> Iterator[str]:
        if isinstance(array, Tensor):
            yield f"{array.dtype} {tuple(array.shape)}"
            if array.is_meta or array.layout != torch.strided:
                return
            array = array.detach().cpu().resolve_conj().resolve_neg().reshape(-1).view(torch.uint8).numpy()
        if array.dtype.hasobject:
            yield from self.of(array.tolist())
        else:
            yield f"{array.dtype.str} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"

    def _function(self, thing: Any) -> Iterator[str]:
        """Its source, defaults and closure, the global names that it uses, and what it wraps."""
        code = getattr(thing, "__code__", None)
        used: list[Any] = [getattr(thing, name, None) for name in WRAPPED]
        if code is not None:
            used += map(_cell, thing.__closure__ or ())
        if code is None or not is_users(thing.__globals__.get("__name__", "")):
            yield _name(thing)
        else:
            self.read(_file(thing))
            yield _source(code) or "\n".join(_code(code))
            used += [thing.__defaults__, thing.__kwdefaults__]
            used += [thing.__globals__.get(name) for name in sorted(_global_names(code)) if not name.startswith("__")]
        yield from self._all(used)

    def _class(self, thing: type) -> Iterator[str]:
        """Its source and bases, and what its methods use."""
        yield _name(thing)
        if is_users(thing.__module__):
            self.read(_file(thing))
            yield (_source(thing) if thing.__module__ == "__main__" else None) or ""  # all others stand in a file
            members = [one for name, one in vars(thing).items() if isinstance(one, MEMBERS) or not name.startswith("__")]
            yield from self._all((*thing.__mro__[1:], *members))


def _held(thing: Any) -> Iterator[Any]:
    """What an object holds: neither what is trained and kept with the run, nor what a property worked out and put by."""
    kind, held = type(thing), getattr(thing, "__dict__", {})
    if isinstance(thing, AutoGuide):
        held = {"model": thing.model}
    elif isinstance(thing, nn.Module):
        held = {name: one for name, one in held.items() if not name.startswith("_") and name != "training"} | {"": thing._modules}
    elif not (is_users(kind.__module__) or kind is types.SimpleNamespace or kind.__module__.partition(".")[0] in HELD):
        return
    for name, one in held.items():
        if not isinstance(inspect.getattr_static(kind, name, None), functools.cached_property | lazy_property):
            yield from (name, one)


def is_users(module: str) -> bool:
    """Whether a module is neither installed nor clipcast's; one that nobody knows belongs to a program that was read."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    return top == "__main__" or (top not in ROOMS and top not in sys.stdlib_module_names and not INSTALLED & {*Path(file).parts})


def _file(thing: Any) -> Path | None:
    """Where a module, a function or a class was read from; not of a script, which does more than they do, nor if it is installed."""
    module = thing if isinstance(thing, types.ModuleType) else sys.modules.get(getattr(thing, "__module__", None) or "")
    about = thing.__globals__ if isinstance(thing, types.FunctionType) else vars(module) if module else {}
    file = Path(about.get("__file__") or "")
    return None if file.suffix != ".py" or about["__name__"] == "__main__" or INSTALLED & {*file.parts} else file.absolute()


def _imported(names: list[str], places: list[str]) -> Iterator[Path]:
    """The files of a package and of what is imported of it, as far as they are the user's."""
    for name in names:
        spec = PathFinder.find_spec(name, places)
        if spec is None or INSTALLED & {*Path(spec.origin or "").parts}:
            return
        if spec.origin and spec.origin.endswith(".py"):
            yield Path(spec.origin).absolute()
        places = list(spec.submodule_search_locations or ())


def _syntax(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def _source(thing: Any) -> str | None:
    try:
        return _syntax(ast.parse(textwrap.dedent(inspect.getsource(thing))))
    except (OSError, TypeError, SyntaxError):
        return None


def _code(code: types.CodeType) -> Iterator[str]:
    """Of a function without source: what it does and the constants in it."""
    yield f"{code.co_code.hex()} {code.co_names}"
    for one in code.co_consts:
        yield from _code(one) if isinstance(one, types.CodeType) else _Told({}, {}).of(one)


def _global_names(code: types.CodeType) -> set[str]:
    """The global names that code, and the functions inside of it, use."""
    here = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return here.union(*(_global_names(one) for one in code.co_consts if isinstance(one, types.CodeType)))


def _name(thing: Any) -> str:
    """As in every process: a program that was read is called after its path."""
    module = getattr(thing, "__module__", None) or ""
    return f"{'' if is_users(module) else module} {getattr(thing, '__qualname__', type(thing).__name__)}"


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
