"""The members of an ensemble: trained one after another, or at once in worker processes of one thread each."""

import dataclasses
import math
import os
import queue
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from features.featurizer import Featurizer
from features.rows import mapped
from features.rows.folds import Folds
from features.saved import BLANK
from features.videos import Videos, unread_and_read
from forecast.draws import try_draws
from forecast.member import Member
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from forecast.saved import blank_member, check_read_again, load_features, load_member, member_file, save_member
from machine.errors import InputError
from machine.processes import begin_worker, worker_context
from machine.randomness import own_randomness
from program import SHIPPED, Networks, Program
from training import data_parallel
from training.checkpoint import Checkpoint
from training.fit import fit
from training.linear import add_linear

LIKE = 20  # videos by which a member that is read again is compared with the one that was trained
WORTH = 600  # steps of all members together; for fewer, starting workers takes longer than they save


def workers_for(given: int, configuration: Configuration, rows: int, device: str) -> int:
    """How many members to train at once: by default one for each processor core, if there is enough to do; one on a GPU.

    Args:
        given: what the user asked for, 0 for the default.
        configuration: with its numbers of members, epochs and rows a step.
        rows: of an epoch: videos, or looks at followed ones.
        device: name of its kind.
    """
    c = configuration
    if device != "cpu" or (not given and c.members * c.epochs * math.ceil(rows / c.batch_size) < WORTH):
        return 1
    return min(given or len(os.sched_getaffinity(0)), c.members)


def fit_members(
    run: RunDirectory, featurizer: Featurizer, folds: Folds, configuration: Configuration, program: Program, workers: int
) -> list[Member]:
    """Fit, or load if they are finished, all members, and at last the networks beside them (`Folds.newcomers`).

    One after another, or several at once, each in a worker process.
    """
    each = configuration.epochs + (0 if featurizer.growth is None else configuration.growth_epochs)
    networks = folds.networks(configuration.members)
    with tqdm(total=networks * each, unit="epoch", desc="training", disable=None) as bar:
        done = [0] * networks

        def report(member: int, entry: dict[str, Any]) -> None:
            # networks that forecast growth begin anew
            bar.update(entry["epoch"] - (done[member] if entry["epoch"] > done[member] else 0))
            done[member] = entry["epoch"]
            bar.set_postfix(member=member + 1, crps=f"{entry['validation_crps']:.4f}", kl=f"{entry['validation_kl']:.1f}")

        if data_parallel.SIZE > 1:
            data_parallel.lead(run.path, folds, configuration, program)
        elif workers > 1:
            train_apart(run.path, folds, configuration, program, workers, report)
        return [fit_member(run, member, featurizer, folds, configuration, program, partial(report, member)) for member in range(networks)]


def fit_member(
    run: RunDirectory,
    member: int,
    featurizer: Featurizer,
    folds: Folds,
    configuration: Configuration,
    program: Program,
    report: Callable[[dict[str, Any]], None],
) -> Member:
    """Fit one member, or load it if it is finished; `report` gets the numbers of each epoch. What it holds out: `Folds.of_member`."""
    one = dataclasses.replace(configuration, seed=(configuration.seed + 1009 * member) % 2**32)
    build = partial(_networks, program, featurizer, one, folds.videos.device)
    if (run.path / member_file(member)).exists():
        kind = featurizer if member < configuration.members else dataclasses.replace(featurizer, growth=None)
        return load_member(run, member, blank_member(program, build, kind, one, folds.videos))
    if program != SHIPPED:
        some, blank = folds.videos.spread(LIKE).unlabelled(), featurizer.transform(BLANK)
        tried = Member(program, build()).setup(folds.videos)
        try_draws(tried, folds.videos)
        check_read_again(program, dataclasses.replace(featurizer, growth=None), configuration, tried, some, blank)
    train, validation = folds.of_member(member, configuration.members)
    fit_one = partial(_fit, run, member, featurizer, program, build=build, report=report)
    if featurizer.growth is None:
        fitted = fit_one(one, train, validation, looks=folds.looks)
    else:
        (unread, read), (held, held_read) = (unread_and_read(videos) for videos in (train, validation))
        if len(read) == 0:  # the few that were read are all held out: growth is learned from them, and nothing validates it
            read, held_read = held_read, read
        fitted = fit_one(one, unread, held, looks=folds.looks)
        if member < configuration.members:  # those beside them tell of videos of which nothing was read
            patience = max(one.patience, one.growth_epochs // 2)
            fitted.growth = fit_one(dataclasses.replace(one, epochs=one.growth_epochs, patience=patience), read, held_read, growth=True)
    if program != SHIPPED:
        kind = featurizer if fitted.growth is not None else dataclasses.replace(featurizer, growth=None)
        try:
            check_read_again(program, kind, configuration, fitted, some, blank)
        except InputError:
            for file in (*(f"{name}.safetensors" for name in _checkpoints(member)), "log.jsonl"):
                (run.path / file).unlink(missing_ok=True)  # nothing of it can be gone on with
            raise
    if data_parallel.RANK == 0:
        save_member(run, member, fitted)
        for name in _checkpoints(member):
            Checkpoint(run, name).remove()
    return fitted


def _networks(program: Program, featurizer: Featurizer, configuration: Configuration, device: torch.device) -> Networks:
    """Networks with random weights."""
    with own_randomness(seed=configuration.seed):
        networks = program.build(featurizer.shapes, featurizer.targets, configuration)
    if not all(isinstance(getattr(networks, name, None), torch.nn.Module) for name in ("experts", "decoder")):
        raise InputError(f"build returns a {type(networks).__name__}, and not networks with `experts` and `decoder`")
    networks.experts.to(device), networks.decoder.to(device)
    return networks


def _checkpoints(member: int) -> tuple[str, str]:
    """Of its networks, and of those that forecast growth."""
    return f"checkpoint-{member}", f"checkpoint-{member}-growth"


def _fit(
    run: RunDirectory,
    member: int,
    featurizer: Featurizer,
    program: Program,
    configuration: Configuration,
    train: Videos,
    validation: Videos,
    *,
    build: Callable[[], Networks],
    report: Callable[[dict[str, Any]], None],
    looks: float = 1.0,
    growth: bool = False,
) -> Member:
    """Fit networks and their linear forecast to videos of one kind."""

    def note(entry: dict[str, Any]) -> None:
        if data_parallel.RANK == 0:
            run.append("log.jsonl", {"member": member} | ({"growth": True} if growth else {}) | entry)
        report(entry)

    # where none of the few videos that were read is held out, the linear forecast stands alone
    watched = validation if len(validation) else train
    checkpoint = Checkpoint(run, _checkpoints(member)[growth])
    fitted = fit(
        program.model, program.guide, build(), train, watched, configuration, build=program.build, checkpoint=checkpoint, report=note
    )
    if configuration.linear:
        add_linear(fitted, train, validation, featurizer.shapes, featurizer.targets, looks=looks, growth=growth)
    return fitted


def train_apart(
    run: Path, folds: Folds, configuration: Configuration, program: Program, workers: int, report: Callable[[int, dict[str, Any]], None]
) -> None:
    """Train the members that are not finished yet, `workers` at a time with one thread each; their weights end up in the run directory.

    Args:
        run: a run directory with fitted features, and with the rows of `folds` where `training.ensemble.train` writes them.
        folds: as in `fit_members`; a worker maps their rows itself.
        configuration: of the run.
        program: what is trained; a worker imports it again.
        workers: processes; on leaving, also by an exception, none is left.
        report: called with a member and the numbers of each of its epochs.

    Raises:
        InputError: what a worker raised, or that one was killed (then `--resume` goes on from the last epoch).
    """
    context = worker_context()  # a process forked from this one would inherit torch's threads half-way
    results = context.Queue()
    processes = [
        context.Process(
            target=_work,
            args=(run, range(first, folds.networks(configuration.members), workers), folds.about, configuration, program, results),
            daemon=True,
        )
        for first in range(workers)
    ]
    try:
        for process in processes:
            process.start()
        running = workers
        while running:
            try:
                member, entry = results.get(timeout=1.0)
            except queue.Empty:
                if any(process.exitcode not in (None, 0) for process in processes):
                    raise InputError(f"{run}: a training process was killed (go on with: python train.py --run {run} --resume)") from None
                continue
            if isinstance(entry, str):
                raise InputError(entry)
            if entry is None:
                running -= 1
            else:
                report(member, entry)
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
        for process in processes:
            if process.pid is not None:
                process.join()
        RunDirectory(run).tidy()  # of what an ended worker was writing


def follow(device: torch.device) -> None:
    """In every process but the first that torchrun started: take part in the training of all members, and write nothing."""
    path, about, configuration, program = data_parallel.told()
    run = RunDirectory(path)
    folds = Folds(mapped.read(path / "rows"), *about).to(device)
    featurizer, _ = load_features(run)
    for member in range(folds.networks(configuration.members)):
        fit_member(run, member, featurizer, folds, configuration, program, lambda entry: None)


def _work(run: Path, members: range, about: tuple[Any, ...], configuration: Configuration, program: Program, results: Any) -> None:
    """Train `members` one after another, in a process of its own."""
    begin_worker()  # two processes must never write one run
    torch.set_num_threads(1)
    directory = RunDirectory(run)
    try:
        featurizer, _ = load_features(directory)
        folds = Folds(mapped.read(run / "rows"), *about)
        for member in members:

            def report(entry: dict[str, Any], member: int = member) -> None:
                results.put((member, entry))

            fit_member(directory, member, featurizer, folds, configuration, program, report)
        results.put((-1, None))
    except InputError as error:
        results.put((-1, str(error)))
