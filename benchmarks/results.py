"""A file of results: what it holds already is not measured again, and what was measured otherwise is refused."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from machine.errors import InputError
from machine.files import write_text

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("*.py", ":!tests")


class Results:
    """Results of one command, all made with the same settings.

    Attributes:
        path: file to keep them in, or None.
        settings: whatever changes a result: fingerprints of data, options, and `code`.
        runs: the results, in the order in which they were measured.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        """Read what the file holds.

        Raises:
            InputError: the file is of another command, or was made with other settings.
        """
        self.path = path
        self.settings: dict[str, Any] = {}
        self.runs: list[dict[str, Any]] = []
        if path is not None and path.exists():
            try:
                held = json.loads(path.read_text(encoding="utf-8"))
                self.settings = {name: held["settings"][name] for name in ("code", *settings)} | held["settings"]
                self.runs = list(held["runs"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path}: not a file that this command wrote") from error
        self.settle(settings | {"code": code()})

    def settle(self, settings: dict[str, Any]) -> None:
        """Add settings that are known by now.

        Raises:
            InputError: the file has others.
        """
        # as the file has them: a tuple is a list there
        settings = json.loads(json.dumps(settings))
        other = [name for name, value in settings.items() if self.settings.get(name, value) != value]
        if other:
            raise InputError(f"{self.path}: holds results of another {', '.join(other)}; give another file, or remove it")
        self.settings |= settings

    def has(self, **key: Any) -> bool:
        """Whether such a result is there."""
        return any(all(run[name] == value for name, value in key.items()) for run in self.runs)

    def add(self, run: dict[str, Any]) -> None:
        """Keep one more result."""
        self.runs.append(run)
        if self.path is not None:
            write_text(self.path, json.dumps({"settings": self.settings, "runs": self.runs}, indent=1) + "\n")


def code() -> str | None:
    """The last commit that changed a program, and a hash of what was edited since; None outside of a checkout."""
    try:
        commit, edited = (
            subprocess.run(["git", *line, "--", *PROGRAMS], cwd=ROOT, check=True, capture_output=True, text=True).stdout
            for line in (("log", "-1", "--format=%H"), ("diff", "HEAD"))
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.strip() + (f" and {hashlib.sha256(edited.encode()).hexdigest()[:8]}" if edited else "")
