"""What was read of a video since it was published, as people type it: `6h: view_count=1200, like_count=80`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from features.featurizer import Featurizer
from features.followed.early import so_far, why_unread
from features.tables.columns import DAY
from features.tables.values import parse_count
from forecast.notation import duration, parse_horizon
from machine.errors import InputError


@dataclass(frozen=True)
class Reading:
    """Counts by target, `age` seconds after publication."""

    age: float
    counts: Mapping[str, float]


def parse_reading(text: str) -> Reading:
    """One reading as it is typed.

    Raises:
        InputError: not an age, a colon, and counts by name.
    """
    age, colon, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",")]
    if not colon or not all(equals and name.strip() for name, equals, _ in pairs):
        raise InputError(f'--so-far {text!r}: expected an age and counts without commas, such as "6h: view_count=1200, like_count=80"')
    counts: dict[str, float] = {}
    for name, _, value in pairs:
        count = parse_count(value.strip())
        if count is None or count < 0:
            raise InputError(f"--so-far {text!r}: {value.strip()!r} is not a count such as 12000 or 1.2M")
        if name.strip() in counts:
            raise InputError(f"--so-far {text!r}: {name.strip()} stands there twice")
        counts[name.strip()] = count
    return Reading(parse_horizon(age, f"--so-far {text!r}: age"), counts)


def check_moments(readings: Sequence[Reading], publish: float, now: float) -> None:
    """Nothing was read after `now`, in seconds since 1970, but for a day in which clocks and time zones may differ.

    Raises:
        InputError: something was.
    """
    for reading in readings:
        if publish + reading.age > now + DAY:
            raise InputError(f"--so-far: the age of {duration(reading.age)} is still to come")


def in_order(readings: Sequence[Reading], featurizer: Featurizer) -> tuple[Reading, ...]:
    """The readings as they were taken.

    Raises:
        InputError: two at one age, a count of another name than the run's targets, or a run that has learned from no readings.
    """
    if readings and not featurizer.follows:
        raise InputError(f"--so-far: {why_unread(featurizer.targets.scale)}")
    names = featurizer.targets.names
    for reading in readings:
        for name in reading.counts:
            if name not in names:
                raise InputError(f"--so-far: {name} is not a target of the run ({', '.join(names)})")
    found = tuple(sorted(readings, key=lambda reading: reading.age))
    for one, two in pairwise(found):
        if one.age == two.age:
            raise InputError(f"--so-far: two readings at the age of {duration(one.age)}")
    return found


def table(readings: Sequence[Reading], publish: float, targets: Sequence[str], rows: int) -> pd.DataFrame | None:
    """What is known at `rows` looks at one video, as `features.followed.early.so_far` has it; None where nothing was read."""
    if not readings:
        return None
    columns = {"collected_at": [publish + one.age for one in readings]}
    columns |= {name: [one.counts.get(name, np.nan) for one in readings] for name in targets}
    known = np.full(rows, len(readings) - 1)
    return so_far(pd.DataFrame(columns, dtype=np.float64), known, np.zeros(rows, np.int64))
