"""What a few followed videos teach a run that was trained on others: how videos that were read before grow there.

    popularity = origin + unit * p        origin, unit: of a law of growth (`features.followed.growth`);  p: what the members say

The new videos may follow a law of their own, p then being how others strayed from it, whatever the video. So as not to flatter it, looks at
a fifth of the videos are forecast by the law of the others. It replaces the run's law, and what the members say, if it forecasts these
looks better. In either case intervals are stretched so that the looks are held.
"""

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np
import torch

from features.featurizer import Featurizer
from features.followed import early
from features.followed.growth import Growth
from features.followed.looks import looks_to_learn, read_again, were_read
from features.missing import OF_THE_AUTHOR
from features.tables.dataset import Dataset, evenly
from features.targets import truth
from features.videos import Videos
from forecast.adjustments.calibration import ENDS, conformal, needed
from forecast.adjustments.moved import MovedGrowth
from forecast.draws import draw_chunks
from forecast.forecaster import Forecaster, truth_of
from forecast.scoring.scores import crps_sorted
from machine.randomness import own_randomness
from training.further.moved import QUANTILES

FEWEST = 10  # videos read more than once
MOST = 1000  # videos, and looks at videos that were read, evenly spread
FIFTHS = 5
EVEN = 30  # videos' worth of belief in the parent's stretch


def with_growth(run: Forecaster, table: Dataset, device: torch.device | str) -> Forecaster:
    """The run, whose forecasts of videos that were read before know these rows; as it is, where too few were read more than once."""
    featurizer, seed = run.featurizer, run.configuration.seed
    if featurizer.growth is None or read_again(table) == 0:
        return run
    some = table.spread(MOST)
    looks, owner = looks_to_learn(some, featurizer.seed)
    told = ~np.isnan(truth(looks.videos, run.targets, featurizer.targets.scale)).all(1)
    looks, owner = looks.take(np.flatnonzero(told)), owner[told]
    read = were_read(looks)
    again = np.unique(owner[read])
    if len(again) < FEWEST:
        return run
    read = read[evenly(len(read), MOST)]
    fifth_of = np.full(len(some), -1)
    fifth_of[again] = np.random.default_rng(seed).permutation(len(again)) % FIFTHS
    fifth = fifth_of[owner]

    by_run = _seen(run, featurizer, looks.take(read)).to(device)
    with own_randomness(by_run.device):
        said = torch.cat(list(draw_chunks(run.members, by_run.relative(), QUANTILES, seed=seed)), dim=1).cpu().double().numpy()
    if run.moved_growth is not None:  # it was moved before
        said = run.moved_growth.apply(torch.from_numpy(said)).numpy()
    kept = _judge(said, by_run.to("cpu"))

    laws = [_law(featurizer, looks.take(np.flatnonzero(fifth != one))) for one in range(FIFTHS)]
    held = [read[fifth[read] == one] for one in range(FIFTHS)]
    by_law = [_seen(run, replace(featurizer, growth=law), looks.take(rows)) for law, rows in zip(laws, held, strict=True)]
    strayed = [truth_of(videos.relative(), len(run.targets)) for videos in by_law]
    elsewhere = [_quantiles(np.concatenate([*strayed[:one], *strayed[one + 1 :]])) for one in range(FIFTHS)]
    judged = [_judge(draws[:, None], videos) for draws, videos in zip(elsewhere, by_law, strict=True)]
    anew = Judged(*(np.concatenate(parts) for parts in zip(*judged, strict=True)))

    every, before = np.concatenate(strayed), run.calibration.read
    before = np.ones((2, len(run.targets))) if before is None else before
    known = ~np.isnan(every).all(0)
    if anew.crps.mean() < kept.crps.mean():
        law = replace(featurizer, growth=_law(featurizer, looks))
        calibration = replace(run.calibration, read=np.where(known, conformal(anew.needed), before))
        return replace(run, featurizer=law, moved_growth=MovedGrowth(_quantiles(every), known), calibration=calibration)
    weight = len(again) / (len(again) + EVEN)
    stretch = np.exp(weight * np.log(conformal(kept.needed)) + (1 - weight) * np.log(before))
    return replace(run, calibration=replace(run.calibration, read=np.where(known, stretch, before)))


class Judged(NamedTuple):
    """How M looks are forecast.

    Attributes:
        crps: (M,) mean over the known targets that were read, in the training scale; 0 where there is none.
        needed: (M, 2, K) the stretch that each half of their intervals needs.
    """

    crps: np.ndarray
    needed: np.ndarray


def _judge(draws: np.ndarray, looks: Videos) -> Judged:
    """Draws (S, M, K), or (S, 1, K) of all looks alike, in units of the law."""
    reached, relative, floor = truth_of(looks, draws.shape[-1]), looks.relative(), looks.relative_floor
    assert floor is not None  # noqa: S101  (looks have one)
    assert looks.told is not None  # noqa: S101  (likewise)
    reached = np.where(looks.told.numpy(), reached, np.nan)  # what was not read, though others were, is forecast otherwise
    draws = np.maximum(draws, floor)
    ends = dict(zip(ENDS, np.quantile(draws, list(ENDS.values()), axis=0), strict=True))
    absolute = np.sort(looks.absolute(torch.from_numpy(draws)).numpy(), axis=0)
    crps, known = np.nan_to_num(crps_sorted(absolute, reached)), ~np.isnan(reached)
    return Judged(crps.sum(1) / np.maximum(known.sum(1), 1), needed(ends, truth_of(relative, draws.shape[-1]), floor))


def _quantiles(strayed: np.ndarray) -> np.ndarray:
    """(Q, K) evenly spaced ones of (M, K); 0 of a target that is unknown throughout."""
    known = ~np.isnan(strayed).all(0)
    return np.nanquantile(np.where(known, strayed, 0.0), (np.arange(QUANTILES) + 0.5) / QUANTILES, axis=0)


def _law(featurizer: Featurizer, looks: Dataset) -> Growth:
    """The law of these looks; of a target that none of them knows, the run's."""
    assert featurizer.growth is not None  # noqa: S101  (it learned growth)
    names, scale = featurizer.targets.names, featurizer.targets.scale
    reached = truth(looks.videos, names, scale)
    fitted, told = Growth.fit(*early.known(looks, names), reached), ~np.isnan(reached).all(0)
    pairs = {item.name: (getattr(fitted, item.name), getattr(featurizer.growth, item.name)) for item in fields(Growth)}
    return Growth(**{name: np.where(told, new, old) for name, (new, old) in pairs.items()})


def _seen(run: Forecaster, featurizer: Featurizer, looks: Dataset) -> Videos:
    videos = featurizer.transform(looks)
    return videos.without(*OF_THE_AUTHOR) if run.configuration.split == "author" else videos
