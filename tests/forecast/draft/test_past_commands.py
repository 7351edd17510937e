"""--past: what other videos reached, handed in at forecast time, through the commands."""

import json

import numpy as np
import pandas as pd
import pytest

import app
import evaluate
import predict
from features.simulated.world import simulate
from machine import command
from machine.errors import InputError
from tests.conftest import checksums


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Two tables of the same authors, who are strangers to the small run: older videos, and newer ones."""
    videos = simulate(300, seed=5)[0].videos
    videos["username"] = "stranger_" + videos["username"]
    older = (videos["create_time"] < videos["create_time"].median()).to_numpy()
    folder = tmp_path_factory.mktemp("strangers")
    videos[older].to_csv(folder / "older.csv", index=False)
    videos[~older].to_csv(folder / "newer.csv", index=False)
    return folder, videos


def evaluated(run, folder, *options):
    out = folder / f"evaluation-{len(options)}"
    evaluate.main(["--run", str(run), "--data", str(folder / "newer.csv"), "--samples", "40", "--out", str(out), *map(str, options)])
    return json.loads((out / "metrics.json").read_text()), out


@pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")
def test_authors_become_known_and_nothing_is_written_into_the_run(run_directory, strangers, unrendered):
    folder, videos = strangers
    before = checksums(run_directory)
    without, _ = evaluated(run_directory, folder)
    known, out = evaluated(run_directory, folder, "--past", folder / "older.csv")
    assert known["past"] == {"data": str(folder / "older.csv"), "rows": len(videos) - known["rows"]}
    assert "past" not in without
    assert known["rows"] == without["rows"]
    assert known["mean"]["crps"] != without["mean"]["crps"]
    assert checksums(run_directory) == before
    written = b"".join(path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file())
    assert not [name for name in set(videos["username"]) if name.encode() in written]


def channel(folder, *, views=(1000, 2000, 3000)):
    """What yt-dlp writes of a channel's videos."""
    folder.mkdir(exist_ok=True)
    for number, count in enumerate(views):
        told = {"id": f"v{number}", "uploader": "stranger_me", "timestamp": 1_700_000_000 + number * 86_400, "epoch": 1_700_600_000}
        told |= {"view_count": count, "title": "my cat", "channel_follower_count": 100 + number}
        (folder / f"v{number}.info.json").write_text(json.dumps(told))
    return folder


def test_a_draft_of_ones_own_channel(run_directory, tmp_path, capsys):
    options = ["--run", run_directory, "--samples", "100", "--publish", "2023-12-01", "--horizon", "7d", "--json"]
    assert command.run(predict.main, list(map(str, [*options, "--past", channel(tmp_path / "channel")]))) == 0
    printed = capsys.readouterr()
    assert f"note: of {tmp_path / 'channel'}: username stranger_me, follower_count 102" in printed.err.splitlines()
    found = json.loads(printed.out)
    assert found["parts"]["history"]["given"]


def test_a_table_of_drafts_is_completed_as_a_single_draft_is(run_directory, tmp_path, capsys):
    def said(name, **columns):
        table = pd.DataFrame({"id": ["a", "b"], "video_description": ["my cat", "my dog"], "create_time": [1_700_700_000, None]} | columns)
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        options = ["--run", run_directory, "--data", tmp_path / f"{name}.csv", "--samples", "100", "--publish", "2023-12-01"]
        assert command.run(predict.main, list(map(str, [*options, "--past", channel(tmp_path / "channel"), "--out", tmp_path / name]))) == 0
        return capsys.readouterr().err

    unknown = "no row has the part history"
    bare = said("bare")
    assert f"note: of {tmp_path / 'channel'}: username of 2 drafts, follower_count of 2 drafts" in bare.splitlines()
    assert unknown not in bare
    whole = said("whole", username="stranger_me", follower_count=102)
    assert "note:" not in whole
    assert unknown not in whole
    other = said("other", username=["somebody", None], follower_count=[7, None])
    assert "note:" not in other  # nobody knows whose the second is
    assert unknown in other


def test_what_had_not_been_read_yet_is_not_known(run_directory, tmp_path, capsys):
    channel(tmp_path / "channel")
    # published between the videos and their reading
    options = ["--run", str(run_directory), "--samples", "100", "--publish", "2023-11-20", "--horizon", "7d", "--json"]
    predict.main([*options, "--past", str(tmp_path / "channel")])
    found = json.loads(capsys.readouterr().out)
    assert not found["parts"]["history"]["given"]


@pytest.mark.parametrize("main", [evaluate.main, predict.main])
def test_a_bad_past_is_one_sentence(main, run_directory, tmp_path, capsys):
    pd.DataFrame({"id": ["a"], "username": ["b"], "view_count": [np.nan]}).to_csv(tmp_path / "past.csv", index=False)
    assert command.run(main, ["--run", str(run_directory), "--past", str(tmp_path / "past.csv")]) == 2
    assert "past.csv: no row has an outcome" in capsys.readouterr().err


def test_the_page_takes_files_that_were_dropped(run_directory, tmp_path):
    desk = app.Desk(run_directory.parent, megabytes=1)
    draft = (run_directory.name, None, "2023-12-01 18:00", ("word1", ""), ("", "", "", ""))
    files = [str(path) for path in sorted(channel(tmp_path / "channel").iterdir())]
    without, known = desk.answer(*draft)[0], desk.answer(*draft, files)[0]
    assert known.parts["history"]["given"]
    assert not without.parts["history"]["given"]
    assert not np.array_equal(without.samples, known.samples)


def test_the_page_takes_one_table_of_the_past(run_directory, tmp_path):
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("id,username,view_count\n1,me,5\n")
    desk, tables = app.Desk(run_directory.parent, megabytes=1), [str(tmp_path / name) for name in ("one.csv", "two.csv")]
    with pytest.raises(InputError, match=r"^one\.csv: drop a table of the past alone"):
        desk.plan(run_directory.name, tables[0], tables, "", "7d", "", False)
