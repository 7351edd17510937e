"""Going on from a finished run with other data: networks, scalers and text encoder stay, what few rows teach is learned beside them."""

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from features.extended import extended
from features.featurizer import Featurizer
from features.followed.looks import looks_to_learn, read_again
from features.parts import histories
from features.rows.built import built
from features.rows.splits import split
from features.saved import BLANK
from features.tables.dataset import Dataset, as_dataset
from features.targets import truth
from features.videos import Videos
from features.whole_counts import whole_targets
from forecast.adjustments.moved import save_moved
from forecast.draws import draw
from forecast.forecaster import Forecaster
from forecast.joint.authors import authors_of
from forecast.joint.dependence import Dependence, save_dependence
from forecast.member import Member
from forecast.pair import ForecasterPair
from forecast.run.configuration import Configuration
from forecast.run.directory import MANIFEST, RunDirectory
from forecast.saved import OWN, load, load_features, save_calibration, save_features, save_member, save_shares
from forecast.scoring.baseline import marginal_quantiles
from machine.errors import InputError, InputWarning
from machine.files import sha256
from machine.randomness import own_randomness
from program import SHIPPED, Program
from training.further import own
from training.further.growth import with_growth
from training.further.moved import learn
from training.further.unmoved import where_it_was
from training.start import OPEN, as_configuration, as_device, begin, finish, run_at

FEWEST = 30  # rows with a known target
LIKE = 20  # rows by which members with further experts are compared with those without


def go_on(
    parent: Path | str,
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
    """Move a finished run to other data; arguments as of `training.train`.

    A run of their own is trained as well, and forecasts are the pool of both. Of a parent that was moved itself only networks and
    histories are taken along. Targets that the parent was trained without are not forecast.

    Args:
        parent: the finished run, which is only read.
        dataset: rows of the other data; what they lack or add in parts and columns is allowed.
        configuration: the settings `training.start.OPEN`; all others are the parent's (default: a random tenth is held out).
        model: as the parent was trained with.
        guide: as the parent was trained with.
        build: as the parent was trained with.
        program: the three together.
        run: directory to keep the new run in, complete in itself (default: nothing is kept).
        source: where evaluate.py finds the dataset again.
        keep_names: whether reports of this run may show user names.
        workers: members of a run of their own that are trained at once.
        device: where to compute.

    Raises:
        InputError: fewer than 30 rows know a target of the parent, or whatever `training.train` refuses.
    """
    program, configuration, device = Program.of(program, model, guide, build), as_configuration(configuration), as_device(device)
    old = load(parent, program=program, device=device)
    if isinstance(old, ForecasterPair):
        old = old.first
    if old.moved is not None:
        told = "was moved to other data itself; what it learned of them is not taken along, so give all rows together"
        warnings.warn(f"{parent}: {told}", InputWarning, stacklevel=2)
    configuration = replace(old.configuration, **{name: getattr(configuration, name) for name in OPEN})
    dataset = as_dataset(dataset, **configuration.columns)
    values = truth(dataset.videos, old.targets, old.featurizer.targets.scale)
    known = ~np.isnan(values).all(1)
    origin = _origin(Path(parent))
    learned = np.zeros(len(dataset), bool)
    if origin is not None:
        learned = known & histories.learned(dataset.videos, origin.salt, origin.histories)
    if (known & ~learned).sum() < FEWEST:
        others = f" and are none that {parent} was trained on" if learned.any() else ""
        raise InputError(
            f"{dataset.name}: {int((known & ~learned).sum())} rows know {' or '.join(old.targets)}{others}; "
            f"to go on from a run takes {FEWEST} at the least"
        )
    rows = split(dataset.videos, **configuration.division)
    learning = np.sort(np.concatenate([rows.train, rows.validation]))
    learning = learning[(known & ~learned)[learning]]
    if len(learning) < FEWEST // 2:
        raise InputError(f"{dataset.name}: --split {configuration.split} leaves {len(learning)} rows that tell how far {parent} is off")
    if learned.any():
        told = f"{learned.sum():,} rows are videos that {parent} was trained on, so they do not tell how far it is off: only the others do"
        warnings.warn(f"{dataset.name}: {told}", InputWarning, stacklevel=2)
    if further := [name for name in configuration.targets if name in dataset.videos.dropna(axis=1, how="all") and name not in old.targets]:
        told = f"{' and '.join(further)} will not be forecast, because {parent} was trained without"
        warnings.warn(f"{dataset.name}: {told}", InputWarning, stacklevel=2)
    with run_at(run) as directory:
        path = directory.path
        begin(directory, configuration, source, dataset, program, keep_names=keep_names, parent=str(parent))
        featurizer = _extended(old.featurizer, dataset.take(learning), configuration)
        members = _with_experts(old, featurizer, program, dataset.take(learning), device)
        unmoved = replace(old, configuration=configuration, featurizer=featurizer, members=members)

        def moved_to(numbers: np.ndarray) -> Forecaster:
            table = dataset.take(numbers)
            moved = with_growth(unmoved, table, device)
            videos, authors = moved.featurizer.transform(table).relative().to(device), authors_of(featurizer, table).key
            learned, calibration = learn(members, videos, authors, strangers=configuration.split == "author", seed=configuration.seed)
            return replace(moved, moved=learned, calibration=replace(calibration, read=moved.calibration.read))

        about: dict[str, Any] = {"parent": {"run": str(parent), "checksum": sha256(Path(parent) / MANIFEST)}}
        beside: list[str] = []
        settings = {"source": source, "keep_names": keep_names, "workers": workers, "device": device}
        alone = own.own_run(directory, dataset, replace(configuration, targets=old.targets), program, **settings)
        found = moved_to(learning)
        if alone is not None:
            as_it_is = replace(unmoved, moved=None)
            judged = own.judge(alone, dataset, learning, moved_to, as_it_is)
            share = judged.share
            if not judged.moves and old.moved is None:
                share, found = 0.0, where_it_was(as_it_is, found, dataset.take(learning))
                print(f"nothing shows that {dataset.name} is unlike what {parent} was trained on: its forecasts stay where they were")
            if share > 0 or judged.read > 0:
                beside = save_shares(directory, share, judged.read)
        assert found.moved is not None  # noqa: S101  (as made above)
        told, marginal = ~np.isnan(values[learning]).all(0), old.marginal.copy()
        marginal[:, told] = marginal_quantiles(values[learning][:, told])
        save_features(directory, found.featurizer, marginal)
        for number, member in enumerate(members):
            save_member(directory, number, member)
        beside += save_moved(directory, found.moved, found.moved_growth)
        save_calibration(directory, found.calibration)
        save_dependence(directory, old.dependence or Dependence.none(len(old.targets)))
        table = dataset.take(learning)
        seen = looks_to_learn(table, featurizer.seed)[0] if featurizer.growth is not None and read_again(table) else table
        about["parts"] = built(table, featurizer.transform(seen), configuration.left_out, counts=featurizer.targets.scale.counts)
        finish(directory, configuration, program, dataset, about, beside)
        if not any(name.startswith(OWN) for name in beside):
            shutil.rmtree(directory.path / OWN, ignore_errors=True)  # it has no share
        return load(path, program=program, device=device)


def _origin(run: Path) -> Featurizer | None:
    """The featurizer of the run that trained the networks of a run, which may have been moved since; None where it is gone."""
    while "parent" in (about := RunDirectory(run).read_json(MANIFEST)):
        run = Path(about["parent"]["run"])
        if not (run / MANIFEST).is_file() or sha256(run / MANIFEST) != about["parent"]["checksum"]:
            return None
    return load_features(RunDirectory(run))[0]


def _extended(featurizer: Featurizer, table: Dataset, configuration: Configuration) -> Featurizer:
    """The parent's featurizer, which also knows these rows, and counts as whole only what is in both."""
    targets = featurizer.targets
    also = whole_targets(truth(table.videos, targets.names, targets.scale), targets.scale)
    return replace(
        extended(featurizer, table, configuration.left_out),
        targets=replace(targets, whole=targets.whole & also),
        past_only=configuration.split == "time",
    )


def _with_experts(
    old: Forecaster, featurizer: Featurizer, program: Program, table: Dataset, device: torch.device | str
) -> tuple[Member, ...]:
    """The parent's members, with experts for the parts that are new: they say nothing of z, so that the product is as it was.

    Raises:
        InputError: with such parts of `table`, a program of the user's own forecasts otherwise.
    """
    new = [part for part in featurizer.scalers if part not in old.featurizer.scalers]
    if not new:
        return old.members
    blank = featurizer.transform(BLANK)

    def widened(number: int, member: Member) -> Member:
        with own_randomness(seed=old.configuration.seed + number):
            networks = program.build(featurizer.shapes, featurizer.targets, old.configuration)
        _silence(networks.experts, new)
        found = Member(program, networks).setup(blank)
        told = f"the new part {' and '.join(new)}"
        with found.tried(blank, f"with {told}"):
            found.load_state_dict(member.state_dict(), strict=False)
        found.linear = None if member.linear is None else member.linear.extended(featurizer.shapes)
        found.growth = None if member.growth is None else widened(number, member.growth)
        found.eval().to(device)
        if program != SHIPPED:
            some = featurizer.transform(table.take(np.arange(min(len(table), LIKE)))).unlabelled().to(device)
            with found.tried(some, f"with {told}"):
                without = replace(some, parts={part: one for part, one in some.items() if part not in new})
                before, after = _drawn(member, without), _drawn(found, some)
            if not torch.allclose(before, after, atol=0.01, equal_nan=True):
                raise InputError(f"its own program forecasts otherwise with {told}: its experts of that cannot be silenced")
        return found

    return tuple(widened(number, member) for number, member in enumerate(old.members))


def _silence(experts: torch.nn.Module, parts: list[str]) -> None:
    """Have the experts of these parts no opinion, wherever in a program's own module they are."""
    for name, expert in experts.named_modules():
        if name.rpartition(".")[2] in parts and hasattr(expert, "silence"):
            expert.silence()


def _drawn(member: Member, videos: Videos) -> torch.Tensor:
    torch.manual_seed(0)
    return draw([member], videos, 20)
