"""Scores of held-back truths in the forecasts that a stranger would get, from which dependence is learned."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from scipy import special

from features.missing import OF_THE_AUTHOR
from features.parts.social import published_at
from features.tables.dataset import Dataset
from features.videos import Videos
from forecast.forecaster import Forecaster, truth_of
from forecast.joint.authors import authors_of
from forecast.joint.dependence import Dependence

MOST = 6000  # held-back rows looked at, over all folds
EACH = 8  # of one author's in a fold: more say little more of what authors share
DRAWS = 200  # a row


def dependence_of(forecaster: Forecaster, held: Sequence[Videos], authors: Sequence[np.ndarray]) -> Dependence:
    """What the videos of one author share, from the rows of each fold, forecast by the members that have not seen them.

    Args:
        forecaster: calibrated; member m was not trained on the rows of fold m modulo F.
        held: the rows of F folds, labelled.
        authors: (N,) keys of their authors, -1 where unknown.
    """
    scores, groups, before = [], [], 0
    for fold, (videos, author) in enumerate(zip(held, authors, strict=True)):
        rows = some_of_each(author, EACH, MOST // len(held))
        few = videos.rows(torch.from_numpy(rows).to(videos.device)).without(*OF_THE_AUTHOR)
        apart = dataclasses.replace(forecaster, members=forecaster.members[fold :: len(held)])
        scores.append(normal_scores(apart, few))
        keys = np.unique(author[rows], return_inverse=True)[1]
        groups.append(np.where(author[rows] < 0, -1, before + keys))
        before += len(author)
    return Dependence.fit(np.concatenate(scores), np.concatenate(groups))


def with_worth(dependence: Dependence, forecaster: Forecaster, dataset: Dataset) -> Dependence:
    """The same, with the worth of the past: that of the later half of each author's videos, forecast from the earlier half.

    Args:
        dependence: of strangers.
        forecaster: calibrated, with members that were not trained on the rows.
        dataset: held-back rows, whose outcomes the histories know.
    """
    videos = dataset.videos
    if "username" not in videos or "history" not in forecaster.featurizer.histories:
        return dependence
    time = published_at(videos)
    middle = pd.Series(time).groupby(videos["username"].to_numpy()).transform("median").to_numpy()
    later = np.flatnonzero(time > middle)[:MOST]
    if len(later) == 0:
        return dependence
    rows, until = dataset.take(later), middle[later] + 1.0
    featurizer = forecaster.featurizer.for_drafts()
    authors = authors_of(featurizer, rows, until)
    scores = normal_scores(forecaster, featurizer.transform(rows, until).to(forecaster.device))
    return dependence.with_worth(scores, authors)


def normal_scores(forecaster: Forecaster, videos: Videos) -> np.ndarray:
    """(N, K) Normal scores of the truths of labelled videos in their forecasts, NaN where unknown."""
    truth, place = truth_of(videos, len(forecaster.targets)), [np.zeros((0, len(forecaster.targets)))]
    for rows, draws in forecaster.blocks(videos.unlabelled(), DRAWS, seed=forecaster.configuration.seed, plain=True):
        below, up_to = (draws < truth[rows]).sum(axis=0), (draws <= truth[rows]).sum(axis=0)
        place.append((0.5 * (below + up_to) + 0.5) / (DRAWS + 1))
    return np.where(np.isnan(truth), np.nan, special.ndtri(np.concatenate(place)))


def some_of_each(author: np.ndarray, each: int, most: int) -> np.ndarray:
    """Numbers of at most `most` rows, and at most `each` of an author, from authors with two or more; in the order of the table.

    Keys are hashes, so that the authors with the least keys are a random choice.
    """
    order = np.argsort(author, kind="stable")
    order = order[author[order] >= 0]
    _, first, count = np.unique(author[order], return_index=True, return_counts=True)
    number = np.arange(len(order)) - np.repeat(first, count)
    return np.sort(order[(number < each) & (np.repeat(count, count) > 1)][:most])
