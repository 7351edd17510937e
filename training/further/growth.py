"""What a few followed videos teach a run that was trained on others: how videos that were read before grow there.

    popularity = origin + unit * p        origin, unit: of a law of growth (`features.followed.growth`);  p: what the members say

The new videos may follow a law of their own. It is fitted to looks at them, and so as not to flatter it each look is forecast by the law of
the other fifths of the videos, pooled with how growth strayed from it elsewhere. It replaces the run's law if it forecasts these looks
better by more than a standard error. In either case intervals are stretched so that the looks are held.
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
from features.tables.dataset import Dataset
from features.targets import truth
from features.videos import Videos, concatenated
from forecast.adjustments.calibration import ENDS, conformal, needed
from forecast.adjustments.moved import MovedGrowth
from forecast.draws import draw_chunks
from forecast.forecaster import Forecaster, truth_of
from forecast.scoring.scores import crps_sorted
from training.further.moved import EVEN, QUANTILES, share_of_marginal

FEWEST = 10  # videos read more than once
MOST = 1000  # videos, evenly spread
FIFTHS = 5


class Judged(NamedTuple):
    """How M looks are forecast.

    Attributes:
        crps: (M,) mean over the known targets, in the training scale.
        stretch: (2, K) that their intervals need.
        pool: with how growth strayed from the law elsewhere; None: with nothing.
    """

    crps: np.ndarray
    stretch: np.ndarray
    pool: MovedGrowth | None


def with_growth(run: Forecaster, table: Dataset, device: torch.device | str) -> Forecaster:
    """The run, whose forecasts of videos that were read before know these rows; as it is, where too few were read more than once."""
    featurizer = run.featurizer
    if featurizer.growth is None or read_again(table) < FEWEST:
        return run
    some = table.take(np.linspace(0, len(table) - 1, min(len(table), MOST)).astype(int))
    looks, owner = looks_to_learn(some, featurizer.seed)
    read = were_read(looks)
    fifth = np.random.default_rng(run.configuration.seed).permutation(len(some)) % FIFTHS
    featurizers = [replace(featurizer, growth=_law(featurizer, looks.take(np.flatnonzero(fifth[owner] != one)))) for one in range(FIFTHS)]
    where = [read[fifth[owner[read]] == one] for one in range(FIFTHS)]
    by_fifth = [_seen(run, one, looks.take(rows)) for one, rows in zip(featurizers, where, strict=True) if len(rows)]
    order = np.argsort(np.concatenate(where))
    kept = _judge(run, _seen(run, featurizer, looks.take(read)).to(device), owner[read], pool=False)
    anew = _judge(run, concatenated(by_fifth).rows(torch.from_numpy(order)).to(device), owner[read], pool=True)
    lead = np.array([(kept.crps - anew.crps)[owner[read] == video].mean() for video in np.unique(owner[read])])
    if lead.mean() > lead.std(ddof=1) / len(lead) ** 0.5:
        law = replace(featurizer, growth=_law(featurizer, looks))
        return replace(run, featurizer=law, moved_growth=anew.pool, calibration=replace(run.calibration, read=anew.stretch))
    assert run.calibration.read is not None  # noqa: S101  (it learned growth)
    weight = len(lead) / (len(lead) + EVEN)
    stretch = np.exp(weight * np.log(kept.stretch) + (1 - weight) * np.log(run.calibration.read))
    return replace(run, calibration=replace(run.calibration, read=stretch))


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


def _judge(run: Forecaster, looks: Videos, owner: np.ndarray, *, pool: bool) -> Judged:
    relative, seed = looks.relative(), run.configuration.seed
    reached, strayed = truth_of(looks, len(run.targets)), truth_of(relative, len(run.targets))
    floor, told = relative.relative_floor, ~np.isnan(reached).all(0)
    assert floor is not None  # noqa: S101  (looks have one)
    with torch.random.fork_rng(devices=[looks.device] if looks.device.type == "cuda" else []):
        draws = torch.cat(list(draw_chunks(run.members, relative, QUANTILES, seed=seed)), dim=1).double().cpu().numpy()
    draws = np.maximum(draws, floor)
    found = None
    if pool:
        unit, videos = looks.error_unit.cpu().numpy(), len(np.unique(owner))
        levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
        marginal = np.nanquantile(np.where(told, strayed, 0.0), levels, axis=0)
        share = share_of_marginal(draws[..., told], strayed[:, told], seed, unit[:, told], videos)
        found = MovedGrowth(np.where(told, share, 0.0), marginal)
        draws = found.apply(torch.from_numpy(draws), relative).numpy()
    ends = dict(zip(ENDS, np.quantile(draws, list(ENDS.values()), axis=0), strict=True))
    absolute = np.sort(looks.absolute(torch.from_numpy(draws).to(looks.device)).cpu().numpy(), axis=0)
    return Judged(np.nanmean(crps_sorted(absolute, reached), axis=1), conformal(needed(ends, strayed, floor)), found)
