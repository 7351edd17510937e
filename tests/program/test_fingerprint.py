"""A program is another one where its syntax or a value that it uses is another one, and the same one in every process."""

import importlib.util
import os
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from program import SHIPPED, Program, read_program

MODEL = "def model(videos, decoder, kl_weight=1.0{}):\n    {}\n"
HEAD = "import functools, torch\nimport numpy as np, pyro.distributions as dist\nfrom torch import nn\n"
EDITS = {  # text with a number V, what the model does, further arguments of it
    "number": ("W = V", "return W", ""),
    "dict": ("W = {'a': [{'b': V}]}", "return W['a']", ""),
    "set": ("W = {'a', V}", "return W", ""),
    "default": ("W = V", "return w", ", w=W"),
    "partial": ("def inner(x, w): return x\nf = functools.partial(inner, w=V)", "return f(1)", ""),
    "closure": ("def outer(w):\n    def inner(x): return x * w\n    return inner\nf = outer(V)", "return f(1)", ""),
    "base class": ("class A(nn.Module):\n    def forward(self, x): return x * V\nclass B(A): pass", "return B()", ""),
    "property": ("W = V\nclass A:\n    @property\n    def w(self): return W", "return A().w", ""),
    "static method": ("W = V\nclass A:\n    @staticmethod\n    def w(): return W", "return A.w()", ""),
    "instance": (
        "class A(nn.Module):\n    def __init__(self, w):\n        super().__init__()\n        self.w = w\na = A(V)",
        "return a.w",
        "",
    ),
    "decorated": (
        "W = V\ndef twice(f):\n    @functools.wraps(f)\n    def g(*given): return f(*given)\n    return g\n@twice\ndef h(x): return x * W",
        "return h(1)",
        "",
    ),
    "decorator": (
        "def twice(f):\n    @functools.wraps(f)\n    def g(x): return V * f(x)\n    return g\n@twice\ndef h(x): return x",
        "return h(1)",
        "",
    ),
    "cached": ("W = V\n@functools.lru_cache\ndef h(x): return x * W", "return h(1)", ""),
}


def text(edit: str, value: str) -> str:
    top, body, further = EDITS[edit]
    return HEAD + top.replace("V", value) + "\n" + MODEL.format(further, body)


def of_file(folder: Path, source: str, name: str = "program.py") -> str:
    (folder / name).write_text(source)
    return read_program(folder / name).fingerprint


def of_script(folder: Path, source: str) -> str:
    """As functions of a script, or of a notebook, whose module is `__main__`."""
    script = folder / f"script-{len([*folder.iterdir()])}.py"
    script.write_text(source)
    return Program(model=runpy.run_path(str(script), run_name="__main__")["model"]).fingerprint


@pytest.mark.parametrize("edit", EDITS)
def test_a_value_belongs_to_the_program(edit: str, tmp_path: Path) -> None:
    for way in (of_file, of_script):
        way = partial(way, tmp_path)
        assert way(text(edit, "2.0")) == way("# a comment\n\n" + text(edit, "2.0")) != way(text(edit, "3.0"))


def test_docstrings_do_not_count(tmp_path: Path) -> None:
    plain = text("number", "2.0")
    assert of_file(tmp_path, plain) == of_file(tmp_path, f'"""Of a file."""\n{plain}'.replace("    return", '    "Of it."\n    return'))


def test_a_file_is_the_same_program_by_both_ways_in_every_process(tmp_path: Path) -> None:
    lines = [text(edit, "2.0").replace("def model", f"def model{number}") for number, edit in enumerate(EDITS) if edit != "default"]
    uses = ", ".join(f"model{number}" for number, edit in enumerate(EDITS) if edit != "default")
    strange = "PARTS = {'social', 'visual', 'textual', object}\nTHING = (object(), nn.Linear(2, 2))\nrandom = np.random.default_rng()\n"
    source = "\n".join(lines) + strange + MODEL.format("", f"return {uses}, PARTS, THING, random")
    torch.manual_seed(0)
    wanted, told = of_file(tmp_path, source), []
    spec = importlib.util.spec_from_file_location("of_another_name", tmp_path / "program.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert Program(model=module.model).fingerprint == wanted
    assert of_script(tmp_path, source) == wanted
    for seed in "12":
        ask = "import sys, pathlib, program; print(program.read_program(pathlib.Path(sys.argv[1])).fingerprint)"
        command = [sys.executable, "-c", ask, str(tmp_path / "program.py")]
        told.append(subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True))
    assert [one.stdout.strip() for one in told] == [wanted, wanted], told


def test_imported_functions_of_the_user_belong_to_it(tmp_path: Path) -> None:
    (tmp_path / "deeper.py").write_text("WITHIN = 1\n")
    (tmp_path / "beside_it.py").write_text("from deeper import WITHIN\ndef head(y):\n    return y * WITHIN\n")
    source = "from beside_it import head\n" + MODEL.format("", "return head(1)")
    found = [of_file(tmp_path, source)]
    assert "beside_it" not in sys.modules
    assert str(tmp_path) not in sys.path
    (tmp_path / "deeper.py").write_text("WITHIN = 1000\n")
    found.append(of_file(tmp_path, source))
    assert read_program(tmp_path / "program.py").model(None, None) == 1000
    (tmp_path / "beside_it.py").write_text("from deeper import WITHIN\ndef head(y):\n    return y + WITHIN\n")
    found.append(of_file(tmp_path, source))
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    "top", ["W = torch.randn(3)", "W = torch.device(DEVICE)", "W = {}", "import random as W", "W = np.random.default_rng()"]
)
def test_what_differs_between_machines_or_fills_up_makes_no_other_program(top: str, tmp_path: Path) -> None:
    source = HEAD + top + "\n" + MODEL.format("", "return W")
    torch.manual_seed(0)
    one, two = (of_file(tmp_path, source.replace("DEVICE", device)) for device in ("'cpu'", "'cuda'"))
    assert one == two


def test_what_a_function_fills_as_it_runs_makes_no_other_program() -> None:
    before = Program(model=counting).fingerprint
    counting(CACHED, None)
    assert Program(model=counting).fingerprint == before != SHIPPED.fingerprint
    CACHED.clear()


CACHED: dict[int, object] = {}


def counting(videos, decoder, kl_weight=1.0):
    CACHED[len(videos)] = object()
