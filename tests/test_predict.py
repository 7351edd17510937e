"""predict.py as people type it: in a process of its own where that is the point."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import evaluate
import predict
from machine import command
from machine.errors import InputError

ROOT = Path(__file__).resolve().parents[1]


def typed(*arguments):
    return subprocess.run([sys.executable, str(ROOT / "predict.py"), *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)


@pytest.fixture
def said(run_directory, capsys):
    """Runs predict.main in this process on the small run and returns what it prints."""

    def say(*arguments):
        capsys.readouterr()
        predict.main(["--run", str(run_directory), "--samples", "100", *map(str, arguments)])
        return capsys.readouterr().out

    return say


def test_a_table_of_every_metric_and_horizon(run_directory, tmp_path):
    done = typed("--run", run_directory, "--follower-count", "12K", "--horizon", "1d,7d", "--plot", tmp_path / "growth.png")
    assert done.returncode == 0
    warned = done.stderr.splitlines()
    assert "warning: the draft: part visual is not given, which the run was trained with" in warned
    assert all(line.startswith("warning: the draft: ") for line in warned)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:9:2]] == ["views", "likes", "comments", "shares"]
    assert [line[12:20].strip() for line in lines[1:9]] == ["1 d", "7 d"] * 4
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert any(line.startswith("social") and "%" in line for line in lines)


def test_two_drafts_compared(said, tmp_path):
    for name, followers in (("a", "1M"), ("b", "100")):
        given = json.loads(said("--follower-count", followers, "--likes-count", followers, "--publish", "2023-11-20", "--json"))
        (tmp_path / f"{name}.json").write_text(json.dumps(given))
    found = json.loads(said("--compare", tmp_path / "a.json", tmp_path / "b.json", "--json"))["comparison"]
    assert len(found) == 16
    back = json.loads(said("--compare", tmp_path / "b.json", tmp_path / "a.json", "--json"))["comparison"]
    assert [one["probability"] + other["probability"] for one, other in zip(found, back, strict=True)] == pytest.approx([1.0] * 16)
    same = json.loads(said("--compare", tmp_path / "a.json", tmp_path / "a.json", "--json"))["comparison"]
    assert {one["probability"] for one in same} == {0.5}


def test_who_calls_predict_keeps_the_threads(said, run_directory):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        said("--description", "word1")
        assert torch.get_num_threads() == 3
        with pytest.raises(InputError, match="not a regular file"):
            predict.main(["--run", str(run_directory), "--video", "/dev/zero"])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_the_same_command_gives_the_same_forecast(said):
    draft = ["--description", "word1", "--publish", "2023-11-20 18:00", "--json"]
    assert said(*draft) == said(*draft)
    assert said(*draft) != said(*draft, "--seed", "1")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--horizon", "soon"], "horizon 'soon'"),
        (["--plot", "growth.doc"], "ends in .png, .svg or .pdf"),
        (["--video", "nowhere.mp4"], "no such file"),
        (["--compare", "nowhere.json", "nowhere.json"], "no such file"),
        (["--compare", "a.json", "b.json", "--plot", "p.png"], "--plot: has no effect beside --compare"),
        (["--data", "drafts.csv", "--description", "x"], "--description: is of one video"),
        (["--data", "drafts.csv", "--horizon", "1h,7d"], "--horizon 1h,7d: a table is forecast at one age"),
        (["--data", "drafts.csv", "--goal", "view_count=1", "--goal", "view_count=2"], "--goal: name each target once"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run_directory, capsys, arguments, why):
    assert command.run(predict.main, ["--run", str(run_directory), *arguments]) == 2
    error = capsys.readouterr().err
    assert why in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(["--follower-count", "many"], "'many' is not a count"), (["--publish", "tomorrow"], "'tomorrow' is not a time")],
)
def test_bad_arguments_are_refused_by_name(capsys, arguments, why):
    with pytest.raises(SystemExit, match="2"):
        predict.main(arguments)
    assert why in capsys.readouterr().err


def test_without_a_run_the_next_command_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.run(predict.main, []) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "python train.py" in printed.err


def test_help_has_groups_and_examples():
    text = typed("--help").stdout
    assert [group for group in ("the video:", "the answer:", "machine:", "examples:") if group not in text] == []


def test_a_table_of_drafts_and_their_total(said, tmp_path):
    drafts = tmp_path / "drafts.csv"
    drafts.write_text("id,username,follower_count\n" + "".join(f"draft-{row},me,{10**row}\n" for row in range(1, 7)))
    out = tmp_path / "out"
    given = ["--data", drafts, "--horizon", "1d", "--publish", "2023-11-20"]
    lines = said(*given, "--goal", "view_count=10K", "--out", out).splitlines()
    assert lines[0].startswith("written")
    assert sorted(line.split()[0] for line in lines[3:9]) == [f"draft-{row}" for row in range(1, 7)]
    assert lines[-1].startswith("total")
    assert (out / "forecasts.png").read_bytes().startswith(b"\x89PNG")
    written = (out / "forecasts.csv").read_text()
    assert len(written.splitlines()) == 1 + 6 * 4
    assert "e+" not in written
    assert json.loads((out / "total.json").read_text())["videos"] == 6


def test_two_plans_compared(said, tmp_path):
    for name, followers in (("a", "1M"), ("b", "100")):
        (tmp_path / f"{name}.csv").write_text(f"id,username,follower_count,likes_count\nx,me,{followers},{followers}\ny,me,,\n")
        plan = said("--data", tmp_path / f"{name}.csv", "--publish", "2023-11-20", "--json")
        (tmp_path / f"{name}.json").write_text(plan)
    found = json.loads(said("--compare", tmp_path / "a.json", tmp_path / "b.json", "--json"))["comparison"]
    back = json.loads(said("--compare", tmp_path / "b.json", tmp_path / "a.json", "--json"))["comparison"]
    assert [one["probability"] + other["probability"] for one, other in zip(found, back, strict=True)] == pytest.approx([1.0] * 4)
    (tmp_path / "one.json").write_text(said("--follower-count", "100", "--json"))
    with pytest.raises(InputError, match="the other of one draft"):
        said("--compare", tmp_path / "a.json", tmp_path / "one.json")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--data", "drafts.csv", "--username", "me"], "--username: is of one video"),
        (["--goal", "view_count=1M"], "--goal, --seen and --out are of a table"),
        (["--data", "drafts.csv", "--horizon", "1d,7d"], "a table is forecast at one age"),
        (["--data", "nowhere.csv"], "no such file"),
    ],
)
def test_options_of_tables_and_of_single_videos(said, arguments, why):
    with pytest.raises(InputError, match=why):
        said(*arguments)


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_evaluate_sends_drafts_here(run_directory, tmp_path, capsys):
    drafts = tmp_path / "drafts.csv"
    drafts.write_text("id,username,follower_count\nx,me,1000000000\ny,me,5\n")
    evaluate.main(["--run", str(run_directory), "--data", str(drafts), "--out", str(tmp_path / "out"), "--samples", "40"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("no truth is known for the 2 rows")
    assert f"python predict.py --run {run_directory} --data {drafts}" in lines[0]
    written = (tmp_path / "out" / "forecasts.csv").read_text().splitlines()
    counts = [cell for line in written[1:] for cell in line.split(",")[-3:]]
    assert len(counts) == 2 * 4 * 3
    assert all(cell.isdigit() for cell in counts)
