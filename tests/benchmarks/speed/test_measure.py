import time

import pytest

import benchmarks.speed.__main__ as speed
from benchmarks.speed.measure import Entry, Turns, turns


def test_a_ratio_is_that_within_rounds_so_that_a_slow_while_moves_neither_side():
    found = Turns({"ours": [2.2, 4.4, 44.0], "theirs": [2.0, 4.0, 40.0], "dear": [3.0, 9.0, 90.0]})
    assert found.ratio("ours", "theirs") == pytest.approx(1.1)
    assert found.best(["dear", "theirs"]) == "theirs"


def test_sides_take_turns_after_one_round_to_warm_up():
    said = []
    found = turns({"a": lambda: said.append("a"), "b": lambda: said.append("b")}, rounds=2)
    assert said == ["a", "b"] * 3
    assert [len(seconds) for seconds in found.seconds.values()] == [2, 2]


def test_seconds_are_those_of_the_processor():
    assert turns({"sleeper": lambda: time.sleep(0.05)}, rounds=1).seconds["sleeper"][0] < 0.04


def test_an_entry_holds_up_to_its_bound():
    assert Entry("a", 1.15, 1.15).to_dict() == {"name": "a", "ratio": 1.15, "bound": 1.15, "holds": True}
    assert not Entry("a", 1.151, 1.15).holds


def test_the_lines_that_are_asked_for_are_measured(monkeypatch):
    asked = []
    monkeypatch.setattr(speed, "measure", lambda quick, only, where: asked.append(only) or iter(()))
    for arguments in (["--only", "1,3"], []):
        speed.main(arguments)
    assert asked == [{"1", "3"}, set(speed.LINES)]
