"""The arrows between rooms hold, and the check that says so can fail."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("extraction", "features", "forecast", "guide", "machine", "model", "program", "training")


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, "--no-cache"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(directory), "PATH": ""},
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        shutil.copytree(ROOT / room, directory / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", directory)
    return directory


def test_the_house_keeps_its_arrows(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "5 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("machine", "import features.videos"),
        ("features", "import forecast.scoring.scores"),
        ("guide", "from model import model"),
        ("model", "from guide import guide"),
        ("program", "from forecast.draws import draw_chunks"),
        ("forecast", "from training.fit import fit"),
        ("forecast", "from guide.product import product"),
        ("forecast", "def late():\n    import model"),
        ("training", "from guide import guide"),
        ("training", "import extraction.store"),
        ("extraction", "from forecast.saved import load"),
        ("extraction", "import training"),
        ("machine", "import train"),
        ("training", "def late():\n    from benchmarks.lacking import main"),
        ("features", "from tests.conftest import checksums"),
    ],
)
def test_one_arrow_the_wrong_way_round_is_found(copy: Path, room: str, line: str) -> None:
    wrong = copy / room / "wrong.py"
    wrong.write_text(line + "\n")
    try:
        result = lint(copy)
    finally:
        wrong.unlink()
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{room}.wrong" in result.stdout


@pytest.mark.parametrize(
    ("file", "line"), [("training/fit.py", "import training.ensemble"), ("forecast/run/directory.py", "import forecast.forecaster")]
)
def test_a_circle_inside_a_room_is_found(copy: Path, file: str, line: str) -> None:
    path = copy / file
    as_it_was = path.read_text()
    path.write_text(f"{line}\n{as_it_was}")
    try:
        result = lint(copy)
    finally:
        path.write_text(as_it_was)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "no circle of files inside a room BROKEN" in result.stdout


def test_what_no_room_may_know_is_all_that_stands_beside_them() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    [contract] = [one for one in tools["importlinter"]["contracts"] if one["name"] == "rooms know no verb, no benchmark and no test"]
    assert set(contract["source_modules"]) == set(ROOMS)
    assert set(contract["forbidden_modules"]) == {path.stem for path in ROOT.glob("*.py")} | {"benchmarks", "tests"}


def test_every_room_is_installed() -> None:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix("*") for name in found} == set(ROOMS)
    folders = {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)
