"""Tables of the report by value."""

import re

import numpy as np

from features.videos import Videos
from forecast.report import tables
from forecast.scoring.evaluation import Evaluation


def evaluation(truth: list[float]) -> Evaluation:
    known = np.log1p(np.array(truth))[:, None]
    rows = {"median": np.log1p(np.full_like(known, 100.0)), "lower_95": np.log1p(np.full_like(known, 10.0))}
    rows["upper_95"] = np.log1p(np.full_like(known, 1e6))
    ids = np.array([f"v{place}" for place in range(len(truth))])
    return Evaluation(ids, ("view_count",), "log1p", known, rows, np.zeros(len(truth), bool), Videos({}), {})


def cells(html: str) -> list[list[str]]:
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


def test_the_largest_misses_come_first_and_unknown_truths_not_at_all():
    assert cells(tables.misses(evaluation([200.0, 1.2e6, np.nan, 1.0]))) == [
        ["video", "target", "truth", "forecast", "95 % interval"],
        ["v1", "views", "1.2M", "100", "10 to 1M"],
        ["v3", "views", "1", "100", "10 to 1M"],
        ["v0", "views", "200", "100", "10 to 1M"],
    ]


def test_names_stand_beside_the_ids_when_they_are_given():
    found = cells(tables.misses(evaluation([1.0, 5.0]), ["<b>ann", "x" * 90]))
    assert [row[1] for row in found] == ["author", "&lt;b&gt;ann", "x" * 60]
