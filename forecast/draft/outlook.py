"""What a draft may reach at each horizon: joint draws, their table and their JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from features.scale import Scale
from features.tables.columns import DAY
from features.videos import PRIOR, Videos
from forecast.contributions import Contributions, contributions
from forecast.draft.so_far import Reading, in_order
from forecast.draft.video import Draft, featurize, knows_time
from forecast.forecaster import Forecaster
from forecast.mixture import LEVELS
from forecast.notation import duration, shown, title
from forecast.scoring.subsets.usual import ABOVE, above
from machine.errors import InputError
from machine.files import regular_file

VERSION = 1
WIDTHS = (12, 8, 10, 20, 20, 14, 12)  # of a printed table's columns
LARGEST = 1 << 28  # bytes of a forecast's JSON that will be read


@dataclass(frozen=True)
class Outlook:
    """The forecast of one draft.

    Attributes:
        targets: names of the K targets.
        scale: `log1p` or `identity`.
        horizons: H ages in seconds, rising.
        samples: float32 (S, H, K) in the training scale; one draw is one future, the same noise at every horizon.
        parts: for each part of the draft: precision share, and by target the factor (or difference) it moves the median by, and
            the interval's width without it relative to the width with it; at the last horizon.
        notes: sentences that a reader of the numbers should know.
        run: checksum of the run directory's files.
        seed: of the draws.
        read: what had been read of the video, in order of age; every draw begins at the last of these.
        usual: (H, K) median of the author's other videos at that age, NaN where too few are known; None where nothing is.
        warnings: what the draft lacks, what training has not seen or lies far outside of it.
    """

    targets: tuple[str, ...]
    scale: Scale
    horizons: tuple[float, ...]
    samples: np.ndarray
    parts: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    run: str
    seed: int
    warnings: tuple[str, ...] = ()
    read: tuple[Reading, ...] = ()
    usual: np.ndarray | None = None

    def quantiles(self) -> dict[str, np.ndarray]:
        """(H, K) by name of the level, in the training scale."""
        return dict(zip(LEVELS, np.quantile(self.samples, list(LEVELS.values()), axis=0), strict=True))

    def above(self, times: float) -> np.ndarray:
        """(H, K) probability of more than `times` what is usual for the author, NaN where that is not known."""
        if self.usual is None or not self.scale.counts:
            return np.full(self.samples.shape[1:], np.nan)
        return above(self.samples, self.usual, times)

    def at(self, horizons: Sequence[float]) -> "Outlook":
        """The same forecast at some of its horizons."""
        kept = [place for place, horizon in enumerate(self.horizons) if horizon in horizons]
        return replace(
            self,
            horizons=tuple(self.horizons[place] for place in kept),
            samples=self.samples[:, kept],
            usual=None if self.usual is None else self.usual[kept],
        )

    def to_json(self) -> str:
        """Everything, with the joint draws."""
        found, chances = self.quantiles(), {name: self.above(times) for name, times in ABOVE.items()}
        rows = [
            {"target": target, "horizon_seconds": self.horizons[h]}
            | {name: round(float(values[h, k]), 5) for name, values in found.items()}
            | {f"shown_{name}": shown(float(values[h, k]), self.scale) for name, values in found.items()}
            | {name: round(float(chance[h, k]), 4) for name, chance in chances.items() if chance[h, k] == chance[h, k]}
            for k, target in enumerate(self.targets)
            for h in range(len(self.horizons))
        ]
        document = {
            "version": VERSION,
            "run": self.run,
            "seed": self.seed,
            "targets": list(self.targets),
            "scale": self.scale,
            "horizons_seconds": list(self.horizons),
            "forecast": rows,
            "read": [{"age_seconds": one.age, "counts": dict(one.counts)} for one in self.read],
            "usual": None
            if self.usual is None
            else [[None if one != one else round(one, 5) for one in row] for row in self.usual.tolist()],
            "parts": self.parts,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "samples": np.round(self.samples.astype(np.float64), 4).tolist(),
        }
        return json.dumps(document)

    @classmethod
    def from_json(cls, path: Path) -> "Outlook":
        """Read what `to_json` wrote.

        Raises:
            InputError: it is not such a file.
        """
        with fields_of(path, VERSION, "a forecast as predict.py --json writes it") as found:
            samples = np.array(found["samples"], dtype=np.float32)
            targets, horizons = tuple(map(str, found["targets"])), tuple(map(float, found["horizons_seconds"]))
            if samples.shape[1:] != (len(horizons), len(targets)) or not np.isfinite(samples).all() or len(samples) < 2:
                raise InputError(f"{path}: its samples are damaged")
            notes, warnings = (tuple(map(str, found[name])) for name in ("notes", "warnings"))
            run, seed = str(found["run"]), int(found["seed"])
            read = tuple(Reading(float(one["age_seconds"]), dict(one["counts"])) for one in found["read"])
            usual = None if found["usual"] is None else np.array(found["usual"], dtype=np.float64).reshape(samples.shape[1:])
            return cls(targets, Scale(found["scale"]), horizons, samples, dict(found["parts"]), notes, run, seed, warnings, read, usual)


@contextmanager
def fields_of(path: Path, version: int, what: str) -> Iterator[dict[str, Any]]:
    """The JSON object that a command wrote, for as long as its fields are read.

    Raises:
        InputError: it is too large, of another version, or not `what`: no JSON, or a field is missing or of another kind.
    """
    if regular_file(path).stat().st_size > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST >> 20} MiB")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] != version:
            raise InputError(f"{path}: written by another version of clipcast")
        yield found
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{path}: not {what}") from error


def outlook(
    forecaster: Forecaster,
    draft: Draft,
    horizons: Sequence[float],
    *,
    fan: Sequence[float] = (),
    samples: int = 1000,
    seed: int = 0,
) -> Outlook:
    """Forecast a draft at each of `horizons` (seconds after publication), and at the ages of a `fan` between them.

    Every horizon, and every draft of the same seed, uses the same random numbers: differences between them are not noise. No draw's count
    falls from one horizon to the next, unless training saw such counts fall. Only what was published before the draft, or read before its
    last reading, counts as history.

    Args:
        forecaster: a loaded run.
        draft: what is known of the video.
        horizons: what is asked for.
        fan: further ages, for a chart; they change no forecast of those asked for.
        samples: S.
        seed: of the draws.

    Raises:
        InputError: no horizon is later than what was read, or `forecast.draft.so_far.in_order` refuses what was read.
    """
    forecaster = forecaster.for_drafts()
    read = in_order(draft.read, forecaster.featurizer)
    asked, horizons = {*horizons}, tuple(sorted({age for age in (*horizons, *fan) if not read or age > read[-1].age}))
    if not asked.intersection(horizons):
        raise InputError(f"no horizon is later than the last reading, at the age of {duration(read[-1].age)}")
    draft = replace(draft, read=read)
    videos, usual, unlike = featurize(draft, horizons, forecaster.featurizer)
    videos = videos.to(forecaster.device)
    drawn = np.concatenate([_row(forecaster, videos, h, samples, seed) for h in range(len(horizons))], axis=1)
    rises = forecaster.featurizer.rises
    drawn[:, :, rises] = rising(drawn[:, :, rises], np.array([age in asked for age in horizons]))
    last = videos.rows(slice(len(horizons) - 1, None))
    found = contributions(forecaster, last, samples=min(samples, 400), seed=seed, score=False)
    targets, scale = forecaster.targets, forecaster.featurizer.targets.scale
    parts, notes = _parts(found, targets, scale), _notes(forecaster, horizons)
    return Outlook(targets, scale, horizons, drawn, parts, notes, forecaster.checksum, seed, tuple(unlike), read, usual)


def rising(drawn: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Draws (S, H, K) that never fall from one age to the next.

    Those that are `asked` for, (H,) bool, are raised to the ones asked for before them; those of a chart are kept between.
    """
    found = drawn.copy()
    found[:, asked] = np.maximum.accumulate(drawn[:, asked], axis=1)
    ceiling = np.where(asked[:, None], found, np.inf)
    ceiling = np.minimum.accumulate(ceiling[:, ::-1], axis=1)[:, ::-1]
    return np.maximum.accumulate(np.minimum(found, ceiling), axis=1)


def cells(outlook: Outlook) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a table, one row a target and horizon; the chances of `ABOVE` where the author's other videos are known."""
    found, chances = outlook.quantiles(), [outlook.above(times) for times in ABOVE.values()]
    usual = not np.isnan(chances[0]).all()
    rows = []
    for k, target in enumerate(outlook.targets):
        for h, horizon in enumerate(outlook.horizons):
            cell = {name: shown(float(values[h, k]), outlook.scale) for name, values in found.items()}
            half, most = f"{cell['lower_50']} to {cell['upper_50']}", f"{cell['lower_95']} to {cell['upper_95']}"
            chance = [_chance(one[h, k]) for one in chances] if usual else []
            rows.append([title(target) if h == 0 else "", duration(horizon), cell["median"], half, most, *chance])
    return ["", "after", "median", "50 % interval", "95 % interval", *(["above usual", "3 x usual"] if usual else [])], rows


def table(outlook: Outlook) -> str:
    """`cells` as text."""
    heads, rows = cells(outlook)
    lines = ([first.ljust(WIDTHS[0]), *map(str.rjust, others, WIDTHS[1:])] for first, *others in [heads, *rows])
    return "\n".join(map("".join, lines))


def parts_table(outlook: Outlook) -> str:
    """One line a part: its share of the precision, what it moves the median by, the interval without it."""
    first = outlook.targets[0]
    heads = f"{'precision':>10s}{'  ' + title(first) + ' moved':>16s}{'interval without':>18s}"
    lines = [f"{'part':12s}{heads}   at {duration(outlook.horizons[-1])}"]
    for name, part in outlook.parts.items():
        if not part["given"]:
            lines.append(f"{name:12s}{'unknown':>10s}")
            continue
        moved = "" if name == PRIOR else _moved(part["moves_median"][first], outlook.scale)
        width = "" if name == PRIOR else f"x {part['width_without'][first]:.2f}"
        lines.append(f"{name:12s}{precision(part):>10s}{moved:>16s}{width:>18s}".rstrip())
    return "\n".join(lines)


def precision(part: Mapping[str, Any]) -> str:
    """A part's share of the precision, as people read it."""
    if not part["given"]:
        return "unknown"
    return "-" if part["precision_share"] is None else f"{part['precision_share']:.0%}"


def _row(forecaster: Forecaster, videos: Videos, row: int, samples: int, seed: int) -> np.ndarray:
    """(S, 1, K): one row on its own, so that every row meets the same random numbers."""
    return next(iter(forecaster.draws(videos.rows(slice(row, row + 1)), samples, seed=seed)))


def _parts(found: Contributions, targets: tuple[str, ...], scale: Scale) -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {}
    for name, share in found.share.items():
        given = name not in found.given or bool(found.given[name][0])
        parts[name] = {"given": given, "precision_share": None if np.isnan(share[0]) else float(share[0])}
        if name in found.shift and given:
            moves = np.exp(found.shift[name][0]) if scale.counts else found.shift[name][0]
            parts[name]["moves_median"] = dict(zip(targets, map(float, moves), strict=True))
            parts[name]["width_without"] = dict(zip(targets, map(float, found.width[name][0]), strict=True))
    return parts


def _chance(share: float) -> str:
    return "-" if share != share else f"{share:.0%}"


def _moved(amount: float, scale: Scale) -> str:
    if not scale.counts:
        return f"{amount:+.2f}"
    return "x < 0.01" if amount < 0.01 else "x > 1,000" if amount > 1000 else f"x {amount:.2f}"


def _notes(forecaster: Forecaster, horizons: tuple[float, ...]) -> tuple[str, ...]:
    if not knows_time(forecaster.featurizer):
        return ("this run has learned from data without collected_at, so it knows no time: every horizon is the same forecast",)
    low, high = (days * DAY for days in forecaster.featurizer.ages_seen)
    if low <= horizons[0] and horizons[-1] <= high:
        return ()
    return (f"most videos this run has learned from were {duration(max(low, 360.0))} to {duration(high)} old: trust other horizons less",)
