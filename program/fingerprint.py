"""What makes a program another one: the source of its functions, and the functions, classes and plain constants that they use.

Where a function stands, in a cell, in a script or in a file, makes no difference. What is not plain (tensors, devices, objects of
libraries) stays out, because it may differ from process to process or change as it runs. So do empty containers, which get filled.
"""

import ast
import functools
import hashlib
import inspect
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pyro.infer.autoguide import AutoGuide

ROOMS = ("extraction", "features", "forecast", "guide", "machine", "model", "program", "training")
INSTALLED = {"site-packages", "dist-packages"}
METHODS = (staticmethod, classmethod, property, functools.cached_property)
PLAIN = (bool, int, float, complex, str, bytes)


def fingerprint(pieces: Iterable[Any]) -> str:
    """SHA-256 over functions and what they use of the user's own; comments and docstrings do not count."""
    seen: dict[int, Any] = {}
    text = "\n".join(one for piece in pieces for one in ("piece", *_told(piece, seen)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_users(module: str) -> bool:
    """Whether a module is neither installed, Python's nor clipcast's; one that nobody knows belongs to a program that was read."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    return top == "__main__" or (top not in ROOMS and top not in sys.stdlib_module_names and not INSTALLED & {*Path(file).parts})


def _told(thing: Any, seen: dict[int, Any], *, piece: bool = True) -> Iterator[str]:
    """What a thing is and uses; each once. Of a `piece` of the program also if it is not the user's."""
    if (text := _constant(thing)) is not None:
        yield text
        return
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # kept, so that no other thing gets its id
    inner: list[Any] = []
    if isinstance(thing, functools.partial):
        inner = [thing.func, *thing.args, *thing.keywords, *thing.keywords.values()]
    elif isinstance(thing, AutoGuide):
        inner = [type(thing), thing.model]
    elif isinstance(thing, staticmethod | classmethod | types.MethodType):
        inner = [thing.__func__]
    elif isinstance(thing, property):
        inner = [thing.fget]
    elif isinstance(thing, functools.cached_property):
        inner = [thing.func]
    elif isinstance(thing, types.FunctionType):
        if not piece and not is_users(thing.__module__ or ""):
            return
        yield _source(thing.__code__) or f"{thing.__code__.co_code.hex()} {thing.__code__.co_names}"
        inner = [*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values(), *map(_cell, thing.__closure__ or ())]
        names = [name for name in sorted(_names(thing.__code__)) if not name.startswith("__")]
        inner += [one for name in names if name in thing.__globals__ for one in (name, thing.__globals__[name])]
    elif inspect.isclass(thing):
        if not is_users(thing.__module__):
            return
        yield thing.__qualname__  # its source is not to be had in a cell, that of its methods is
        inner = [*thing.__mro__[1:]]
        for name, one in sorted(vars(thing).items()):
            if inspect.isroutine(one) or isinstance(one, METHODS) or (not name.startswith("__") and _constant(one) is not None):
                inner += [name, one]
    elif is_users(type(thing).__module__):
        held = {name: one for name, one in sorted(vars(thing).items()) if not name.startswith("_")} if hasattr(thing, "__dict__") else {}
        inner = [type(thing), *(one for name, one in held.items() if _constant(one) is not None for one in (name, one))]
    inner.append(getattr(thing, "__wrapped__", None))
    for one in inner:
        yield from _told(one, seen, piece=False)


def _constant(value: Any) -> str | None:
    """The text of a plain value, which says all of it, alike in every process; None of any other, and of what is empty."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, Mapping):
        value = [*value.items()]
    if not isinstance(value, tuple | list | set | frozenset) or not value:
        return None
    texts = [_constant(one) for one in value]
    if any(text is None for text in texts):
        return None
    return repr(sorted(map(str, texts)) if isinstance(value, set | frozenset) else texts)


def _source(code: types.CodeType) -> str | None:
    """The syntax without docstrings; None where there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def _names(code: types.CodeType) -> set[str]:
    """The global names that code, and the functions inside of it, use."""
    return set(code.co_names).union(*(_names(one) for one in code.co_consts if isinstance(one, types.CodeType)))


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
