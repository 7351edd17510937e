import io
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.report.figures import coverage_figure, looks_figure
from forecast.report.style import style

LEVELS = [0.5, 0.9]


def bands(truth):
    """By label, half the height of each band at the levels."""
    names = ("view_count", "like_count", "share_count")
    held = {name: [0.5, 0.9] if known else [None, None] for name, known in zip(names, (~np.isnan(truth)).any(0), strict=True)}
    metrics = {"rows": len(truth), "coverage": {"levels": LEVELS, "targets": held}}
    [panel] = coverage_figure(SimpleNamespace(metrics=metrics, truth=truth, targets=names)).axes
    found = {}
    for band in panel.collections:
        corners = band.get_paths()[0].vertices
        found[band.get_label()] = [corners[corners[:, 0] == 100 * level, 1].max() for level in LEVELS]
    return found


def chance(rows):
    return pytest.approx([196 * np.sqrt(level * (1 - level) / rows) for level in LEVELS])


def test_chance_is_that_of_the_rows_whose_truth_is_known():
    truth = np.full((400, 3), np.nan)
    truth[:100] = 1.0
    assert bands(truth) == {"chance alone": chance(100)}
    truth[25:, 1] = np.nan
    assert bands(truth) == {"chance alone: likes": chance(25), "chance alone: views, shares": chance(100)}
    truth[:, 2] = np.nan
    assert bands(truth) == {"chance alone: likes": chance(25), "chance alone: views": chance(100)}


def test_times_ahead_are_marked_in_words():
    asked = ((0.0, 0.5), (0.0, 8.0), (1.0, 2.0), (1.0, 29.0))
    looks = [{"seen": seen, "horizon": seen + lead, "crps": 0.3, "width_95": 1.0} for seen, lead in asked]
    with style():
        figure = looks_figure(SimpleNamespace(metrics={"looks": looks}))
        figure.savefig(io.BytesIO())
    for panel in figure.axes:
        assert [label.get_text() for label in panel.get_xticklabels()] == ["1 d", "3 d", "7 d"]
        assert not any(label.get_text() for label in panel.get_xticklabels(minor=True))
        assert not any("$" in label.get_text() for label in panel.get_yticklabels())
