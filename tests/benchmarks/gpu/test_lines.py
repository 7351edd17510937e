import json
import math

import torch

from benchmarks.gpu.__main__ import main


def test_every_line_has_a_number(tmp_path, monkeypatch, capsys) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr("benchmarks.gpu.__main__.command.device", lambda name: torch.device("cpu"))
    main(["--quick", "--json", str(tmp_path / "lines.json")])
    lines = json.loads((tmp_path / "lines.json").read_text())
    names = [line["name"] for line in lines]
    assert len(set(names)) == len(names)
    for wanted in ("training step, batch 256, Pyro / hand-written", "forecasts of", "whole training of", "extraction, share", "CRPS of"):
        assert any(name.startswith(wanted) for name in names)
    assert all(math.isfinite(line["value"]) for line in lines)
    assert all(line["value"] > 0 for line in lines[:-1])
    assert lines[-1]["value"] < 0.005
    assert capsys.readouterr().out.count("\n") > len(lines)
