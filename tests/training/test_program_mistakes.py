"""What makes a program another one, and the sentences about functions that fail."""

from pathlib import Path

import pytest

from features.simulated.world import simulate
from forecast.run.configuration import Configuration
from machine.errors import InputError
from program import read_program
from training import train


def test_a_constant_belongs_to_the_program(tmp_path: Path) -> None:
    text = """
WIDEN = {}
PAIR = (object(), 1)


def model(videos, decoder, kl_weight=1.0):
    return WIDEN * Scaled().by(decoder), PAIR

class Scaled:
    def by(self, decoder):
        return decoder * DEEPER

DEEPER = {}
"""
    found = []
    for first, second in ((1.0, 1), (1.0, 2), (2.0, 1), (1.0, 1)):
        file = tmp_path / f"p{len(found)}.py"
        file.write_text(text.format(first, second))
        found.append(read_program(file).fingerprint)
    assert len(set(found)) == 3
    assert found[3] == found[0]  # an object's address is no constant


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda videos: None, "fails on 3 videos: TypeError"),
        (lambda videos, decoder, kl_weight=1.0: {}["no such key"], "fails on 3 videos: KeyError"),
    ],
)
def test_functions_that_fail_are_refused_in_a_sentence(model, said, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        train(simulate(60)[0], Configuration(members=1, epochs=1, width=16), model=model, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="build returns a NoneType"):
        train(simulate(60)[0], Configuration(members=1, epochs=1, width=16), build=lambda *given: None, run=tmp_path / "run")
