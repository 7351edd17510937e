"""Numbers as people read them: 950, 12K, 3.4M; 1 hour, 7 days. Never 1e6."""

import math
import re
from typing import Any

import numpy as np

from features.scale import Scale
from features.tables.values import parse_count, parse_number
from machine.errors import InputError

UNITS = {"h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def short(count: float) -> str:
    """A count in at most four characters and a letter: 950, 1.2K, 34K, 5.6M, 7.8B."""
    if not math.isfinite(count):
        return "-"
    size, sign = abs(count), "-" if count < 0 else ""
    for letter, unit in (("", 1.0), ("K", 1e3), ("M", 1e6), ("B", 1e9), ("T", 1e12)):
        # 999.6 is 1K, not 1000
        if size / unit < 999.5 or letter == "T":
            scaled = size / unit
            digits = 1 if letter and scaled < 9.95 else 0
            text = f"{scaled:.{digits}f}"
            return sign + (text.removesuffix(".0") if digits else text) + letter
    raise AssertionError  # the last unit returns


def shown(value: float, scale: str) -> str:
    """A number of the training scale as people read it: a count for `log1p`, the score itself for `identity`."""
    if not math.isfinite(value):
        return "-"
    return short(float(Scale(scale).told(value))) if Scale(scale).counts else f"{value:.3g}"


def round_counts(low: float, high: float, most: int = 7) -> list[float]:
    """Round counts (1, 10, 100 ..., with 3, 30 ... between where they are few) for an axis in log(1 + count) from `low` to `high`."""
    tens = [10.0**power for power in range(16)]
    both = sorted(tens + [3 * ten for ten in tens])
    for candidates in (both, tens, tens[::2], tens[::3]):
        inside = [count for count in candidates if low <= math.log1p(count) <= high]
        if len(inside) <= most:
            return inside
    return inside


def title(name: str) -> str:
    """A target as people read it: view_count becomes views."""
    return name.removesuffix("_count") + "s" if name.endswith("_count") else name.replace("_", " ")


def parse_horizon(text: str, what: str = "horizon") -> float:
    """Seconds of `6h`, `7d` or `2w`.

    Args:
        text: as it is typed.
        what: it is, for messages.

    Raises:
        InputError: not such a text, or longer than ten years.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([hdw])\s*", text.lower())
    seconds = float(match[1]) * UNITS[match[2]] if match else math.nan
    if not 0.0 < seconds <= 3650 * UNITS["d"]:
        raise InputError(f"{what} {text.strip()!r}: expected hours, days or weeks, such as 6h, 7d or 2w, and at most ten years")
    return seconds


def duration(seconds: float) -> str:
    """Seconds as hours below two days, except for one day, else as days: 6 h, 1 d, 7 d."""
    unit = "h" if seconds < 2 * UNITS["d"] and seconds != UNITS["d"] else "d"
    amount = seconds / UNITS[unit]
    return f"{amount:.{3 if amount < 100 else 4}g} {unit}"


def written_out(values: np.ndarray, scale: Scale) -> list[Any]:
    """Counts as whole numbers with all their digits, empty where unknown; scores with six."""
    if scale.counts:
        return ["" if np.isnan(value) else int(value) for value in values]
    return ["" if np.isnan(value) else float(f"{value:.6g}") for value in values]


def parse_goal(text: str) -> tuple[str, float]:
    """Target and number of `view_count=1000000` or `view_count=1M`.

    Raises:
        InputError: not such a text.
    """
    name, equals, number = text.partition("=")
    count = parse_count(number) if equals else None
    count = parse_number(number) if equals and count is None else count  # scores may be below 0
    if count is None or not math.isfinite(count) or not name.strip():
        raise InputError(f"goal {text.strip()!r}: expected a target and a number, such as view_count=1000000")
    return name.strip(), count
