"""From a dataset to a forecaster: features, an ensemble of networks, their calibration, and the run directory that keeps them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from features.featurizer import Featurizer
from features.followed.looks import last_told, learned_from_looks, looks_each, read_again
from features.rows.built import built
from features.rows.folds import Folds, held_rows, map_folds, rows_to_learn
from features.rows.splits import Rows, newest, split, whole_authors
from features.tables.dataset import Dataset, as_dataset
from features.targets import truth
from features.videos import unread_and_read
from features.whole_counts import dequantiser
from forecast.adjustments.calibration import MOST, Calibration, calibrate
from forecast.forecaster import Forecaster
from forecast.joint.authors import authors_of
from forecast.joint.dependence import FEWEST, Dependence, save_dependence
from forecast.member import Member
from forecast.run.configuration import MANY, Configuration
from forecast.run.directory import RunDirectory
from forecast.saved import load, load_features, member_file, save_calibration, save_features
from forecast.scoring.baseline import marginal_quantiles
from machine.errors import InputError
from machine.randomness import own_randomness
from program import SHIPPED, Program
from training.held_back import dependence_of, with_worth
from training.members import fit_members, workers_for
from training.start import as_configuration, as_device, begin, finish, run_at

GROUPS = 3  # of authors; a network beside the members never sees those of one
ENSEMBLE = 3  # members; fewer are for those in a hurry, and no network is trained beside them
MANY_AUTHORS, MANY_VIDEOS = 100, 5  # fewer authors, with so many videos on average, are recognised by a network
ENOUGH = 1000  # training rows from which one member holds out the newest: the stretch of fewer rows is a guess


def train(
    dataset: Dataset | pd.DataFrame,
    configuration: Configuration | None = None,
    *,
    model: Callable = SHIPPED.model,
    guide: Callable = SHIPPED.guide,
    build: Callable = SHIPPED.build,
    program: Program | None = None,
    run: Path | str | None = None,
    source: str | None = "",
    keep_names: bool = False,
    workers: int = 1,
    device: torch.device | str = "cpu",
) -> Forecaster:
    """Train a forecaster; a run that was interrupted goes on where it was.

    Args:
        dataset: a dataset, or a data frame with the contract's columns, one row a video.
        configuration: the settings (default: those of `Configuration`).
        model: `model(videos, decoder, kl_weight)`. A pair that is not the shipped one has no linear forecast beside it: compare its scores
            with those of `Configuration(linear=False)`.
        guide: `guide(videos, experts, kl_weight)`.
        build: `build(shapes, targets, configuration)` returns networks with `experts` and `decoder`.
        program: the three together, as `program.read_program` reads them from a file.
        run: directory to keep the run in (default: nothing is kept).
        source: where evaluate.py finds the dataset again; None is the simulated world.
        keep_names: whether reports of this run may show user names.
        workers: members trained at once, on the CPU; more than one only from a script with a `__main__` guard.
        device: where to compute.

    Raises:
        InputError: the data or a setting is unusable, or `run` holds another run.
    """
    configuration, device, program = as_configuration(configuration), as_device(device), Program.of(program, model, guide, build)
    if program != SHIPPED:  # forecasts are what its own model says
        configuration = replace(configuration, linear=False)
    dataset = as_dataset(dataset, **configuration.columns)
    with run_at(run) as directory:
        path = directory.path
        divide = partial(split, dataset.videos, **configuration.division)
        rows = divide()
        # every row that does not test is learned from: what validates one member trains another
        learning = np.sort(np.concatenate([rows.train, rows.validation]))
        looks = looks_each(len(dataset)) if learned_from_looks(dataset, configuration.left_out, configuration.target_scale) else 1
        followed = len(rows.train) * read_again(dataset) // len(dataset)
        left_to_us = configuration.folds == 0
        configuration = configuration.for_rows(len(rows.train), max(1, looks // 2), followed)
        last = _newest(dataset, learning, len(rows.train), configuration, fewer_folds=left_to_us)
        splits = _splits(divide, min(configuration.folds, configuration.members - (len(last) > 0)), fewer=left_to_us)
        configuration = replace(configuration, folds=len(splits))
        begin(directory, configuration, source, dataset, program, keep_names=keep_names)
        at_once = workers_for(workers, configuration, len(rows.train) * looks, device.type) if program.portable else 1
        featurizer = _features(directory, dataset.take(learning), configuration)
        known = ~np.isnan(truth(dataset.videos.iloc[learning], featurizer.targets.names, configuration.target_scale)).all(1)
        new = _newcomers(dataset, learning[known], configuration)
        by_author = configuration.split == "author"
        folds = map_folds(path / "rows", featurizer, dataset, splits, strangers=by_author, newest=last, newcomers=new).to(device)
        torch.set_float32_matmul_precision("high" if device.type == "cuda" else "highest")
        members = fit_members(directory, featurizer, folds, configuration, program, at_once)
        calibration = _calibration(featurizer, members, folds, dataset.take(last).spread(MOST // looks), configuration)
        save_calibration(directory, calibration)
        taking_turns = tuple(members[: configuration.members - (folds.newest is not None)])
        forecaster = Forecaster(configuration, featurizer, taking_turns, calibration, load_features(directory)[1], {})
        beside = replace(forecaster, members=tuple(members[configuration.members :]))
        save_dependence(directory, _dependence(forecaster, folds, dataset, splits, beside, new))
        parts = built(dataset.take(learning), folds.videos, configuration.left_out, counts=featurizer.targets.scale.counts)
        for beside_them in range(configuration.members, folds.networks(configuration.members)):
            (path / member_file(beside_them)).unlink(missing_ok=True)  # these have told all that they were trained for
        shutil.rmtree(directory.path / "rows", ignore_errors=True)
        finish(directory, configuration, program, dataset, {"parts": parts})
        return load(path, program=program, device=device)


def _newest(dataset: Dataset, learning: np.ndarray, rows: int, configuration: Configuration, *, fewer_folds: bool) -> np.ndarray:
    """Row numbers of the newest videos, which the last member holds out to calibrate forecasts of what comes; there may be none.

    Split by time, fold 0 is the newest; split by author, rows stand for authors never seen. Of more than `MANY` rows none is held out:
    that would copy all others.
    """
    c = configuration
    spare = c.members > 1 and (fewer_folds or c.folds < c.members)
    if c.split != "random" or not c.calibrate or not spare or not ENOUGH <= rows <= MANY:
        return learning[:0]
    return newest(dataset.videos, learning, c.validation_share)


def _newcomers(dataset: Dataset, rows: np.ndarray, configuration: Configuration) -> list[np.ndarray]:
    """Of `rows`, those that each network beside the members never sees, to calibrate forecasts of new authors; there may be none.

    A network recognises one of few authors with many videos, even where nothing is said of the author. Split by author, no member sees
    those of its validation rows.
    """
    c, videos = configuration, dataset.videos
    if c.split != "random" or not c.calibrate or c.members < ENSEMBLE or len(rows) > MANY or "username" not in videos:
        return []
    each = videos["username"].iloc[rows].value_counts()
    return whole_authors(videos, rows, GROUPS, c.seed) if len(each) < MANY_AUTHORS and each.mean() >= MANY_VIDEOS else []


def _splits(divide: Callable[..., Rows], folds: int, *, fewer: bool) -> list[Rows]:
    """The folds' rows; of few authors there may be fewer folds, where `fewer` allows it. Some rows must lie in no fold."""
    splits = [divide()]
    always = splits[0].train
    for fold in range(1, folds):
        try:
            rows = divide(fold=fold)
        except InputError:
            if not fewer:
                raise
            break
        always = np.setdiff1d(always, rows.validation)
        if fewer and len(always) == 0:
            break
        splits.append(rows)
    return splits


def _features(run: RunDirectory, dataset: Dataset, configuration: Configuration) -> Featurizer:
    """Everything fitted before the networks, from the run directory if it is there."""
    if (run.path / "features.safetensors").exists() and (run.path / "features.json").exists():
        return load_features(run)[0]
    print(f"reading {len(dataset):,} rows of {dataset.name}")
    featurizer = Featurizer.fit(
        dataset,
        targets=configuration.targets,
        target_scale=configuration.target_scale,
        past_only=configuration.split == "time",
        without=configuration.left_out,
        author_code=configuration.author_code,
        seed=configuration.seed,
    )
    reached = truth(last_told(dataset), featurizer.targets.names, configuration.target_scale)
    save_features(run, featurizer, marginal_quantiles(reached))
    return featurizer


def _calibration(featurizer: Featurizer, members: list[Member], folds: Folds, last: Dataset, configuration: Configuration) -> Calibration:
    """The stretches that the validation rows ask for.

    `last` are the newest videos, which the last member held out (none: it held out a fold). In `members`, networks follow the members
    that never saw the authors of `Folds.newcomers`.
    """
    if not configuration.calibrate:
        return Calibration.none(len(featurizer.targets.names))
    spread = dequantiser(featurizer.targets.whole, folds.videos.device)
    with own_randomness(folds.videos.device, configuration.seed):
        members, beside = members[: configuration.members], members[configuration.members :]
        held = [spread(folds.validation(fold)).relative() for fold in range(len(folds))]
        if configuration.split == "time":  # only the newest rows, and members that have not seen them, are like what comes
            members, held = members[:: len(held)], held[:1]
        known = [spread(folds.known(fold)).relative() for fold in range(len(held))]
        hardly = [spread(videos).relative() for videos in map(folds.hardly_known, range(len(held))) if videos is not None]
        coming = None
        if folds.newest is not None:
            drafts = featurizer.for_drafts().transform(rows_to_learn(featurizer, last)[0]).labelled().to(folds.videos.device)
            drafts = drafts if featurizer.growth is None else unread_and_read(drafts)[0]
            *members, older = members
            coming = older, spread(drafts).relative()
        met = [[spread(one).relative() for one in folds.met(number) if one is not None] for number in range(len(beside))]
        shapes, seed = featurizer.shapes, configuration.seed
        return calibrate(members, held, shapes, known=known, hardly_known=hardly, coming=coming, new=(beside, met), seed=seed)


def _dependence(
    forecaster: Forecaster, folds: Folds, dataset: Dataset, splits: list[Rows], beside: Forecaster, new: list[np.ndarray]
) -> Dependence:
    """What the videos of one author share, from the validation rows of each fold, or from the rows that networks `beside` never saw."""
    featurizer, device = forecaster.featurizer, folds.videos.device
    learned, owner = rows_to_learn(featurizer, dataset)
    numbers = held_rows(featurizer, learned, owner, splits)
    first = [np.unique(owner[rows], return_index=True)[1] for rows in numbers]  # looks at one video share more than two videos do
    held = [folds.validation(fold).rows(torch.from_numpy(rows).to(device)) for fold, rows in enumerate(first)]
    authors = [authors_of(featurizer, learned.take(rows[once])).key for rows, once in zip(numbers, first, strict=True)]
    if forecaster.configuration.split == "time":  # as for the calibration
        forecaster, held, authors = replace(forecaster, members=forecaster.members[:: len(held)]), held[:1], authors[:1]
    of_first_fold = replace(forecaster, members=forecaster.members[:: len(held)])
    if new and dataset.videos["username"].iloc[np.concatenate(new)].nunique() >= FEWEST:
        tables = [dataset.take(rows) for rows in new]
        forecaster, held = beside, [featurizer.transform(table).to(device) for table in tables]
        authors = [authors_of(featurizer, table).key for table in tables]
    found = dependence_of(forecaster, held, authors)
    return with_worth(found, of_first_fold, learned.take(numbers[0][first[0]]))
