"""The web page in a real browser: click through a forecast, compare two drafts, drop a table of them, be refused."""

import contextlib
import csv
import hashlib
import html
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import app
import extract
from extraction.visual import visual_columns
from forecast.draft.page import READ
from machine.errors import InputError
from tests.browser import open_page

ROOT = Path(__file__).resolve().parents[1]
PICTURE = "<img src=http://127.0.0.1:9/told>"  # a name that a page must not take for HTML


@contextlib.contextmanager
def served(runs, folder):
    """The address of app.py; its temporary files and console.txt lie in a folder."""
    if find_spec("gradio") is None:
        pytest.skip("needs the extra [app]")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    typed = [sys.executable, str(ROOT / "app.py"), "--runs", str(runs), "--port", str(port)]
    (folder / "tmp").mkdir()
    with (folder / "console.txt").open("w") as console:
        server = subprocess.Popen(
            typed, stdout=subprocess.DEVNULL, stderr=console, cwd=ROOT, env=os.environ | {"TMPDIR": str(folder / "tmp")}
        )
    try:
        yield _wait(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(address, server):
    for _ in range(240):
        assert server.poll() is None, "app.py ended"
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310  (this machine's own server)
                return address
        except OSError:
            time.sleep(0.5)
    raise AssertionError("app.py does not answer")


def _upload(address, **headers):
    """What the server answers to an upload, and where the file lies."""
    kind = {"Content-Type": "multipart/form-data; boundary=-"}
    body = b'---\r\nContent-Disposition: form-data; name="files"; filename="drafts.csv"\r\n\r\nid\r\n-----\r\n'
    asked = urllib.request.Request(f"{address}/gradio_api/upload", data=body, headers=kind | headers)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            return answer.status, Path(json.load(answer)[0])
    except urllib.error.HTTPError as error:
        return error.code, None


@pytest.mark.slow
def test_uploads_are_the_page_s_own_private_and_gone_with_it(run_directory, tmp_path):
    with served(run_directory.parent, tmp_path) as address:
        assert _upload(address, Origin="http://told.example") == (403, None)
        assert _upload(address, Host="told.example") == (400, None)
        status, file = _upload(address, Origin=address)
        assert status == 200
        [folder] = (tmp_path / "tmp").iterdir()
        assert file.is_relative_to(folder)
        assert file.read_bytes() == b"id"
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.slow
def test_a_forecast_a_comparison_and_a_table_of_drafts(run_directory, tmp_path):
    drafts = tmp_path / "drafts.csv"
    drafts.write_text("id,username,follower_count\n" + "".join(f"draft-{row},me,{10**row}\n" for row in range(1, 6)))
    shutil.copytree(run_directory, tmp_path / "runs" / "first")
    with served(tmp_path / "runs", tmp_path) as address, open_page() as (page, asked, errors):
        page.goto(address)
        page.locator("#caption-a textarea").fill("word1 word2")
        page.locator("#follower_count-a").locator("input, textarea").fill("12K")
        page.locator("#forecast-a").click()
        page.locator("#answer-a table").first.wait_for()
        answer = page.locator("#answer-a").inner_text()
        assert [word for word in ("views", "shares", "30 d", "What each part contributes", "unknown") if word not in answer] == []
        page.locator("#follower_count-b").locator("input, textarea").fill("3M")
        page.locator("#forecast-b").click()
        page.locator("#verdict table").wait_for()
        assert "Draft A reaches more" in page.locator("#verdict").inner_text()
        page.locator("#follower_count-a").locator("input, textarea").fill("many")
        page.locator("#forecast-a").click()
        page.get_by_text("'many' is not a count such as 12000 or 1.2M").wait_for()
        page.locator("#follower_count-a").locator("input, textarea").fill(PICTURE)
        page.locator("#forecast-a").click()
        page.get_by_text(f"'{PICTURE}' is not a count such as 12000 or 1.2M").wait_for()

        page.locator("#drafts input[type=file]").set_input_files(drafts)
        page.locator("#drafts").get_by_text("drafts").first.wait_for()
        page.locator("#horizon-drafts").locator("input, textarea").fill("1d")
        page.locator("#goal-drafts").locator("input, textarea").fill("view_count=10K")
        page.locator("#forecast-drafts").click()
        page.locator("#answer-drafts table").wait_for()
        rows = [line.split("\t")[0].strip() for line in page.locator("#answer-drafts table").inner_text().splitlines()]
        assert sorted(rows[1:-1]) == [f"draft-{row}" for row in range(1, 6)]
        assert rows[-1] == "total"
        assert "reaches 10K" in page.locator("#answer-drafts").inner_text()
        page.locator("#picture-drafts img").wait_for()
        with page.expect_download() as download:
            page.locator("#written-drafts a").first.click()
        written = Path(download.value.path()).read_text().splitlines()
        assert len(written) == 1 + 5 * 4
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        page.locator("#goal-drafts").locator("input, textarea").fill("many")
        page.locator("#forecast-drafts").click()
        page.get_by_text("goal 'many': expected a target and a number").wait_for()

        shutil.copytree(run_directory, tmp_path / "runs" / "second")
        (tmp_path / "runs" / "second" / "run.json").touch()
        page.goto(address)
        page.wait_for_function("document.querySelector('#run input')?.value == 'second'")
        page.locator("#forecast-a").click()
        page.locator("#answer-a table").first.wait_for()
        assert errors == []
        assert [one for one in asked if not one.startswith((address, "data:", "blob:"))] == []
        assert len(list((tmp_path / "tmp").rglob("forecasts.csv"))) == 1
        assert "Traceback" not in (tmp_path / "console.txt").read_text()


def test_answers_come_within_three_processor_seconds(run_directory):
    desk = app.Desk(run_directory.parent, megabytes=1)
    draft = (run_directory.name, None, "2023-11-20 18:00", ("word1", "someone"), ("12K", "", "1.2M", ""))
    desk.answer(*draft)
    began = time.process_time()
    found, problems = desk.answer(*draft)
    assert time.process_time() - began < 3.0
    assert problems == []
    assert {3600.0, 86_400.0} <= set(found.horizons)


def test_a_run_that_another_took_the_place_of_answers_no_more(run_directory, tmp_path):
    run = tmp_path / "runs" / "small"
    shutil.copytree(run_directory, run)
    desk = app.Desk(run.parent, megabytes=1)
    draft = ("small", None, "2023-11-20 18:00", ("word1", ""), ("12K", "", "1.2M", ""))
    before = desk.answer(*draft)[0].samples
    assert np.array_equal(desk.answer(*draft)[0].samples, before)
    calibration, manifest = json.loads((run / "calibration.json").read_text()), json.loads((run / "run.json").read_text())
    wider = {name: (2 * np.array(calibration[name])).tolist() for name in ("known", "strangers")}
    (run / "calibration.json").write_text(json.dumps(calibration | wider))
    manifest["files"]["calibration.json"] = hashlib.sha256((run / "calibration.json").read_bytes()).hexdigest()
    (run / "run.json").write_text(json.dumps(manifest))
    after = desk.answer(*draft)[0].samples
    assert not np.array_equal(after, before)
    assert np.array_equal(after, app.Desk(run.parent, megabytes=1).answer(*draft)[0].samples)


def test_what_is_refused(run_directory, tmp_path):
    desk = app.Desk(run_directory.parent, megabytes=1)
    (tmp_path / "large.mp4").write_bytes(bytes(1_000_001))
    with pytest.raises(InputError, match=r"large\.mp4: larger than 1 MB"):
        desk.answer(run_directory.name, str(tmp_path / "large.mp4"), "", ("", ""), ("", "", "", ""))
    with pytest.raises(InputError, match="no such run"):
        desk.answer("../elsewhere", None, "", ("", ""), ("", "", "", ""))
    with pytest.raises(InputError, match="'soon' is not a time"):
        desk.answer(run_directory.name, None, "soon", ("", ""), ("", "", "", ""))


@pytest.mark.slow
def test_a_bad_clip_is_refused_with_the_sentence_of_extract(tmp_path, monkeypatch):
    import torch

    from extraction.backbones.efficientnet import EfficientNetLite0

    torch.manual_seed(0)
    torch.save(EfficientNetLite0().state_dict(), tmp_path / "weights.pt")
    (tmp_path / "source").mkdir()
    clip = tmp_path / "source" / "bad.mp4"
    clip.write_text("this is not a video")
    options = ["--backbone", "efficientnet_lite0", "--visual-weights", str(tmp_path / "weights.pt"), "--device", "cpu"]
    extract.main(["--videos", str(tmp_path / "source"), "--out", str(tmp_path / "data"), *options])
    with (tmp_path / "data" / "problems.csv").open() as file:
        [problem] = csv.DictReader(file)
    trained = SimpleNamespace(columns={"visual": visual_columns("efficientnet_lite0", "mean")})
    monkeypatch.setattr(app.Desk, "_forecaster", lambda desk, run: SimpleNamespace(featurizer=trained, checksum=""))
    with pytest.raises(InputError) as refused:
        app.Desk(tmp_path, megabytes=1, weights=str(tmp_path / "weights.pt")).answer("run", str(clip), "", ("", ""), ("", "", "", ""))
    assert str(refused.value) == f"{clip}: {problem['reason']}"


def test_what_a_table_says_is_no_html(run_directory, tmp_path):
    gradio = pytest.importorskip("gradio")
    desk, drafts = app.Desk(run_directory.parent, megabytes=1), tmp_path / "drafts.csv"
    drafts.write_text(f"id\n{PICTURE}\n{PICTURE}\n")
    with pytest.raises(InputError) as refused:
        desk.plan(run_directory.name, str(drafts), (), "", "", "", False)
    said = app._refused(gradio, refused.value).message
    assert html.unescape(said) == f"drafts.csv: row 2 repeats the id '{PICTURE}'"
    assert "<" not in said


def test_the_page_speaks_of_its_labels_and_of_files_by_their_names(run_directory):
    gradio, desk = pytest.importorskip("gradio"), app.Desk(run_directory.parent, megabytes=1)

    def refused(*asked, how=desk.answer):
        with pytest.raises(InputError) as error:
            how(run_directory.name, *asked)
        said = app._refused(gradio, error.value)
        assert not said.print_exception  # a mistake is no traceback on the console
        return html.unescape(said.message)

    def answer(so_far):
        return refused(None, "", ("", ""), ("", "", "", ""), (), so_far)

    assert answer("garbage").startswith("Read since 'garbage': expected an age and counts")
    assert answer("6h: view_count=1").startswith("Read since: the run was trained without readings")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "0123abc" / "my drafts.csv"
        table.parent.mkdir()
        table.write_text("id\n1\n1\n")
        assert refused(str(table), (), "", "", "", False, how=desk.plan) == "my drafts.csv: row 2 repeats the id '1'"
        table.write_text("id,create_time,collected_at,view_count\na,1700000000,1700086400,100\n")
        said = refused(str(table), (), "", "", "", True, how=desk.plan)
        assert said.startswith(f"{READ}: the run was trained without readings")
        assert refused(str(table), (), "", "", "plays=1", False, how=desk.plan).startswith("Goal plays: the run forecasts")
        others = [Path(folder) / name / "info.json" for name in ("one", "two")]
        for other in others:
            other.parent.mkdir()
            other.write_text("{")
        assert refused(str(table), [*map(str, others)], "", "", "", False, how=desk.plan).startswith("info.json: ")
        for other in others:
            other.write_text("{}")
        assert refused(str(table), [*map(str, others)], "", "", "", False, how=desk.plan).startswith("past: neither ")


def test_a_table_that_was_read_needs_a_run_that_learned_from_readings(run_directory, tmp_path):
    drafts = tmp_path / "drafts.csv"
    drafts.write_text("id,create_time,collected_at,view_count\na,1700000000,1700086400,100\n")
    desk = app.Desk(run_directory.parent, megabytes=1)
    with pytest.raises(InputError, match="--seen last: the run was trained without readings"):
        desk.plan(run_directory.name, str(drafts), (), "", "7d", "", True)
    assert len(desk.plan(run_directory.name, str(drafts), (), "", "7d", "", False)[0].ids) == 1
