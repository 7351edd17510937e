"""The report of a small run, as files and in a browser."""

import base64
import json
import re

import pytest

import evaluate
from features.tables.columns import COUNTS
from machine.errors import InputWarning
from tests.browser import open_page

SECTIONS = ["forecast", "coverage", "pit", "truth", "groups", "parts", "misses", "scores", "settings"]


@pytest.fixture(scope="module")
def report(run_directory, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    evaluate.main(["--run", str(run_directory), "--samples", "100", "--out", str(out)])
    return out


def test_sections_stand_in_order_after_the_answer(report):
    page = (report / "report.html").read_text()
    assert re.findall(r'<section id="(\w+)">', page) == SECTIONS
    answer = re.search(r'<p class="answer">(.*)</p>', page)[1]
    held = json.loads((report / "metrics.json").read_text())["mean"]["coverage_95"]
    assert re.fullmatch(r"For half of the videos the forecast of views is within a factor of \d+\.\d of the truth; .*", answer)
    assert f"{100 * held:.1f} %" in answer


@pytest.mark.filterwarnings("ignore:.*videos that the run was trained on")
def test_without_any_truth_only_what_needs_none_is_shown(run_directory, world, tmp_path):
    world.videos.drop(columns=list(COUNTS)).to_csv(tmp_path / "videos.csv", index=False)
    data = ["--data", str(tmp_path / "videos.csv"), "--out", str(tmp_path / "out")]
    (tmp_path / "out").mkdir()
    for name in ("truth.png", "truth.svg", "looks.png", "mine.png"):  # of an earlier evaluation, but for the last
        (tmp_path / "out" / name).write_bytes(b"")
    with pytest.warns(InputWarning, match="no row has the part"):
        evaluate.main(["--run", str(run_directory), "--samples", "20", *data])
    page = (tmp_path / "out" / "report.html").read_text()
    assert re.findall(r'<section id="(\w+)">', page) == ["parts", "settings"]
    assert "nothing can be said of how good the forecasts are" in page
    pictures = [path.name for path in (tmp_path / "out").iterdir() if path.suffix in (".png", ".svg")]
    assert sorted(pictures) == ["mine.png", "parts.png", "parts.svg"]


def test_every_picture_says_what_it_shows(report):
    texts = re.findall(r'<img [^>]*alt="([^"]*)"', (report / "report.html").read_text())
    assert len(texts) == 5
    assert min(map(len, texts)) > 60
    for name in ("forecast", "coverage", "pit", "truth", "parts"):
        assert (report / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (report / f"{name}.svg").read_text()


def test_data_of_the_figures_equal_the_metrics(report):
    page = (report / "report.html").read_text()
    embedded = json.loads(re.search(r'<script type="application/json" id="metrics">(.*?)</script>', page, re.DOTALL)[1])
    metrics = json.loads((report / "metrics.json").read_text())
    assert embedded == metrics
    assert metrics["rows"] == sum(group["rows"] for group in metrics["groups"]["authors"].values())
    assert all(sum(counts) == metrics["rows"] for counts in metrics["pit"].values())


def test_nothing_is_asked_from_outside_and_no_power_of_ten_is_shown(report):
    page = (report / "report.html").read_text()
    pictures = [base64.b64decode(one).decode() for one in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page)]
    assert len(pictures) == 10
    assert not re.findall(r'(?:src|href|srcset)="(?!data:)', page)
    shown = re.sub(r"<script.*?</script>|<section id=\"settings\">.*", "", page, flags=re.DOTALL)
    assert not re.search(r"\b\d(\.\d+)?e[+-]?\d+\b", re.sub(r'"data:[^"]*"', "", shown))


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_a_browser_opens_it_without_errors_or_requests(report, width, scheme):
    with open_page(width, color_scheme=scheme) as (page, asked, errors):
        page.goto((report / "report.html").as_uri())
        assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert errors == []
        assert [one for one in asked if not one.startswith(("file:", "data:"))] == []
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 28)"
        assert dark == (scheme == "dark")
