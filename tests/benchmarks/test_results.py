"""What a file of results holds is not measured again, and what was measured otherwise is refused."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.results import Results, code
from machine.errors import InputError


def test_a_file_is_gone_on_from(tmp_path: Path):
    path = tmp_path / "results.json"
    first = Results(path, {"seen": ("a",), "data": 1})
    first.add({"peer": "ridge", "seed": 0, "crps": 1.0})
    again = Results(path, {"seen": ("a",), "data": 1})
    assert again.runs == first.runs
    assert again.has(peer="ridge", seed=0)
    assert not again.has(peer="ridge", seed=1)


@pytest.mark.parametrize("other", [{"data": 2, "rows": 5}, {"data": 1, "rows": 6}])
def test_other_settings_are_refused(tmp_path: Path, other: dict):
    path = tmp_path / "results.json"
    Results(path, {"data": 1, "rows": 5}).add({"peer": "ridge"})
    with pytest.raises(InputError, match=rf"results.json: holds results of another {'data' if other['data'] == 2 else 'rows'}; "):
        Results(path, other)


def test_what_is_known_late_is_compared_too(tmp_path: Path):
    path = tmp_path / "results.json"
    first = Results(path, {})
    first.settle({"us": "abc"})
    first.add({"set": "us"})
    again = Results(path, {})
    again.settle({"smp": "xyz"})
    with pytest.raises(InputError, match="another us; "):
        again.settle({"us": "def"})


def test_other_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "results.json"
    Results(path, {}).add({})
    monkeypatch.setattr(results, "code", lambda: "older")
    with pytest.raises(InputError, match="holds results of another code; "):
        Results(path, {})


@pytest.mark.parametrize("text", ["[]", "{}", "no", '{"settings": {"code": null}, "runs": []}', '{"settings": [], "runs": []}'])
def test_another_file_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"results.json: not a file that this command wrote"):
        Results(path, {"members": 2})
    assert path.read_text() == text


def test_without_a_file_nothing_is_kept():
    kept = Results(None, {"members": 2})
    kept.add({"peer": "ridge"})
    assert kept.has(peer="ridge")
    assert json.dumps(kept.settings)


def test_code_is_the_last_commit_of_a_program_and_what_was_edited_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "ROOT", tmp_path)
    assert code() is None

    def git(*line: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        return subprocess.run(["git", *who, *line], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    def commit(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        git("add", name)
        git("commit", "-qm", name)
        return git("rev-parse", "HEAD")

    git("init", "-q")
    first = commit("train.py", "1")
    commit("README.md", "words")
    assert code() == first
    (tmp_path / "train.py").write_text("2")
    assert code().startswith(f"{first} and ")
    assert code() != first
