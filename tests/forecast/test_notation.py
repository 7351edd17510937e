import math

import numpy as np
import pytest

from features.scale import Scale
from forecast.notation import duration, parse_horizon, round_counts, short, shown, title, written_out
from machine.errors import InputError


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1K"), (1234, "1.2K"), (9960, "10K"), (12_345, "12K"), (999_600, "1M"), (3_400_000, "3.4M")],
)
def test_counts_are_short(count, text):
    assert short(count) == text


def test_large_and_undefined_counts():
    assert short(5.6e9) == "5.6B"
    assert short(-1500) == "-1.5K"
    assert short(math.nan) == "-"


def test_training_scale_is_shown_in_counts():
    assert shown(math.log1p(12_000), "log1p") == "12K"
    assert shown(-3.0, "log1p") == "0"
    assert shown(6.25, "identity") == "6.25"


def test_titles():
    assert [title("view_count"), title("popularity")] == ["views", "popularity"]


@pytest.mark.parametrize(("text", "seconds"), [("6h", 21_600.0), ("7d", 604_800.0), (" 2W ", 1_209_600.0), ("1.5d", 129_600.0)])
def test_horizons(text, seconds):
    assert parse_horizon(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "0d", "-1h", "7y", "99999d", "h"])
def test_other_horizons_are_refused_by_name(text):
    with pytest.raises(InputError, match=f"horizon '{text}'"):
        parse_horizon(text)


def test_durations():
    assert [duration(3600.0), duration(86_400.0), duration(7 * 86_400.0), duration(36 * 3600.0)] == ["1 h", "1 d", "7 d", "36 h"]
    assert [duration(days * 86_400) for days in (100.5, 1000, 3650)] == ["100.5 d", "1000 d", "3650 d"]


def test_ticks_are_round_counts_within_the_axis():
    assert round_counts(math.log1p(50), math.log1p(5000)) == [100.0, 300.0, 1000.0, 3000.0]
    assert round_counts(0.0, math.log1p(2e9), most=6) == [1.0, 100.0, 1e4, 1e6, 1e8]


def test_counts_are_written_out_in_files():
    assert written_out(np.array([1.8e6, 0.0, math.nan, 1e18]), Scale("log1p")) == [1_800_000, 0, "", 10**18]
    assert written_out(np.array([1.23456789, math.nan]), Scale("identity")) == [1.23457, ""]
