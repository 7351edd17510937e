"""What extract.py does not write over."""

import json

import pandas as pd
import pytest

from tests.extraction.command.commands import extract


def dataset(folder, *ids, name="videos.csv"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("id,view_count\n" + "".join(f"{one},{number}\n" for number, one in enumerate(ids)))
    return folder / name


def held(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", ["videos", "visual", "acoustic", "counts"])
def test_a_dataset_that_another_program_made_is_left_as_it_is(tmp_path, name):
    source, out = dataset(tmp_path / "source", "a"), tmp_path / "out"
    out.mkdir()
    pd.DataFrame({"id": ["x"], "number": [1.0]}).to_parquet(out / f"{name}.parquet")
    before = held(out)
    done = extract("--videos", source, "--out", out, check=False)
    assert done.returncode == 2
    assert f"{name}.parquet: another dataset is here already; choose an empty directory" in done.stderr
    assert held(out) == before


def test_a_directory_that_cannot_be_written_is_refused_before_any_work(tmp_path, monkeypatch):
    source = dataset(tmp_path / "source", "a")
    monkeypatch.setattr("extraction.extract.media_files", lambda source: pytest.fail("began to work"))
    for out in (source / "data", tmp_path / "locked" / "data"):
        with monkeypatch.context() as rights:
            rights.setattr("os.access", lambda path, mode: path != tmp_path)  # which a superuser always may
            done = extract("--videos", source, "--out", out, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {out}: cannot be written (")
        assert not (tmp_path / "locked").exists()


def test_videos_of_another_source_are_not_lost(tmp_path):
    out = tmp_path / "out"
    extract("--videos", dataset(tmp_path / "last week", "a", "b", "c"), "--out", out)
    before = held(out)
    done = extract("--videos", dataset(tmp_path / "this week", "c", "d"), "--out", out, check=False)
    assert done.returncode == 2
    assert f"{out}: 2 of its videos are not in " in done.stderr
    assert done.stderr.endswith("choose another --out, or give all videos together\n")
    assert done.stderr.count("\n") == 1
    assert held(out) == before
    extract("--videos", dataset(tmp_path / "both", "a", "b", "c", "d"), "--out", out)
    assert pd.read_parquet(out / "videos.parquet")["id"].tolist() == ["a", "b", "c", "d"]


def test_the_same_source_goes_on_with_more_or_fewer_videos_and_after_an_interruption(tmp_path, monkeypatch):
    source, out = dataset(tmp_path / "source", "a", "b"), tmp_path / "out"
    extract("--videos", source, "--out", out)
    dataset(tmp_path / "source", "b", "c")
    monkeypatch.chdir(source.parent)
    extract("--videos", source.name, "--out", out)
    assert pd.read_parquet(out / "videos.parquet")["id"].tolist() == ["b", "c"]
    assert json.loads((out / "extraction.json").read_text())["videos"] == str(source.resolve())
    (out / "extraction.json").unlink()
    (out / ".clips").mkdir()  # as it is left where clips were done, and the end was not reached
    extract("--videos", source.name, "--out", out)
