"""Values are read in one place: nothing else in the repository turns written times, counts or columns into numbers."""

import ast
from pathlib import Path

import features

ROOT = Path(features.__file__).parents[1]
ROOMS = ("extraction", "features", "forecast", "guide", "model", "program", "training")
HERE = {"features/tables/values.py", "features/tables/judge.py", "features/tables/table.py"}
READING = {"to_numeric", "to_datetime", "fromisoformat", "strptime", "literal_eval"}


def reading(path: Path) -> set[str]:
    """What a file calls that reads written values."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls} & READING


def test_no_other_parser_exists():
    files = [*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    assert {path.relative_to(ROOT).as_posix() for path in files if reading(path)} <= HERE
    assert "fromisoformat" in reading(ROOT / "features/tables/values.py")


def test_commands_and_page_read_options_by_it():
    for name in ("predict.py", "app.py"):
        assert "from features.tables.given import" in (ROOT / name).read_text()
