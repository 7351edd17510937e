"""Where a run begins, as a new run directory or one to be resumed, and what is written when it is done."""

import argparse
import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from features.followed.looks import last_told, learned_from_looks
from features.tables.columns import COUNTS, nearest
from features.tables.dataset import Dataset
from forecast.joint.dependence import FILE as DEPENDENCE
from forecast.run.configuration import AUTOMATIC, PRESETS, Configuration
from forecast.run.directory import RunDirectory, new_run, unfinished_run
from forecast.run.versions import versions
from forecast.saved import OWN, member_file
from machine.errors import InputError
from machine.files import json_object
from program import Program

OPEN = ("split", "test_share", "validation_share", "seed")  # settings of a run that goes on from another
EXTRACTION = "extraction.json"  # how extract.py measured the clips, so that predict.py --video measures alike


class Begun(NamedTuple):
    """A run to be made: its directory, settings and data source, and the run that it goes on from, if it does from one."""

    run: RunDirectory
    configuration: Configuration
    source: str | None
    parent: Path | None


def as_configuration(configuration: Any) -> Configuration:
    """The settings of whoever calls from Python, or the default ones.

    Raises:
        InputError: they are none.
    """
    if configuration is not None and not isinstance(configuration, Configuration):
        raise InputError(f"configuration: a {type(configuration).__name__} is no Configuration (write Configuration(members=2))")
    return configuration or Configuration()


def as_device(device: torch.device | str) -> torch.device:
    """Where to compute.

    Raises:
        InputError: torch knows no such device.
    """
    try:
        return torch.device(device)
    except (RuntimeError, TypeError):
        raise InputError(f"device: {device!r} is none that torch knows, such as cpu or cuda") from None


def open_run(options: argparse.Namespace) -> Begun:
    """The run directory, its configuration and its data source, new or resumed.

    Args:
        options: `run`, `resume`, `data`, `preset`, `parent`, `program`, and the settings that were given.

    Raises:
        InputError: the run exists already, is finished, or was started with other settings.
    """
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Configuration) if hasattr(options, field.name)}
    configuration = Configuration(**PRESETS[options.preset] | given) if options.parent is None else _of_parent(options, given)
    if not options.resume:
        run = RunDirectory(options.run or new_run(Path("runs")))
        if (run.path / "configuration.json").exists():
            raise InputError(f"{run.path}: already holds a run (choose another --run, or go on with --resume)")
        return Begun(run, configuration, options.data, options.parent)
    run = RunDirectory(options.run or unfinished_run(Path("runs")))
    if run.finished:
        raise InputError(f"{run.path}: is finished already (evaluate it with: python evaluate.py --run {run.path})")
    if not (run.path / "configuration.json").exists():
        if options.data is None:
            raise InputError(f"{run.path}: no run was begun there (begin one without --resume)")
        return Begun(run, configuration, options.data, options.parent)
    stored = Configuration.from_json(run.read_text("configuration.json"), str(run.path / "configuration.json"))
    begun = run.read_json("source.json")
    source, parent = begun.get("data"), begun.get("parent")
    for name, value in given.items():
        left_to_us = value == (AUTOMATIC | {"seed": 0}).get(name) or (name == "linear" and options.program is not None)  # see `train`
        if value != getattr(stored, name) and not left_to_us:
            raise InputError(
                f"--{name.replace('_', '-')}: the run was started with {getattr(stored, name)!r}, which --resume cannot change"
            )
    if options.data is not None and options.data != source:
        raise InputError(f"--data: the run was started with {source}, which --resume cannot change")
    if options.parent is not None and str(options.parent) != parent:
        raise InputError(f"--from: the run was started from {parent or 'none'}, which --resume cannot change")
    return Begun(run, stored, source, None if parent is None else Path(parent))


def _of_parent(options: argparse.Namespace, given: dict[str, Any]) -> Configuration:
    """The configuration of the run that is gone on from, but for how rows are held out."""
    if options.data is None and not options.resume:
        raise InputError("--from: name the data to go on with, with --data")
    fixed = [name for name in given if name not in OPEN]
    if fixed:
        raise InputError(f"--{fixed[0].replace('_', '-')}: is that of the run that --from names")
    parent = RunDirectory(options.parent)
    stored = Configuration.from_json(parent.read_text("configuration.json"), str(parent.path / "configuration.json"))
    return dataclasses.replace(stored, **{name: given.get(name, getattr(Configuration(), name)) for name in OPEN})


@contextlib.contextmanager
def run_at(path: Path | str | None) -> Iterator[RunDirectory]:
    """The directory of a run while it is trained; None: one that goes afterwards.

    Raises:
        InputError: another process trains there, or it cannot be made.
    """
    with contextlib.ExitStack() as stack:
        run = RunDirectory(Path(path or stack.enter_context(tempfile.TemporaryDirectory(prefix="clipcast-"))))
        stack.enter_context(nobody_else(run))
        stack.enter_context(nothing_left_if_refused(run))
        yield run


@contextlib.contextmanager
def nobody_else(run: RunDirectory) -> Iterator[None]:
    """Nobody else trains into the directory, which is made, until this process leaves or ends, however it ends."""
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        directory = os.open(run.path, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{run.path}: cannot be written ({error.strerror or error})") from error
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of the directory itself: no file is left behind
        except BlockingIOError:
            raise InputError(f"{run.path}: another process is training there") from None
        except OSError:  # some network file systems lock no directories: there, nobody is kept out
            pass
        yield
    finally:
        os.close(directory)


@contextlib.contextmanager
def nothing_left_if_refused(run: RunDirectory) -> Iterator[None]:
    """A run that is refused before anything is trained leaves nothing behind, so that it can be tried again. Older files stay."""
    fresh = not run.path.is_dir() or not any(run.path.iterdir())
    try:
        yield
    except InputError:
        trained = any(run.path.glob("member-*")) or any(run.path.glob("checkpoint-*")) or (run.path / "log.jsonl").exists()
        if fresh and not trained and not (run.path / OWN).exists():
            shutil.rmtree(run.path, ignore_errors=True)
        raise


def begin(
    run: RunDirectory,
    configuration: Configuration,
    source: str | None,
    dataset: Dataset,
    program: Program,
    *,
    keep_names: bool = False,
    parent: str | None = None,
) -> None:
    """Write down what is being run, and how the clips of its data were measured.

    Args:
        run: the run directory, new or to be resumed.
        configuration: the settings.
        source: dataset directory or file; None for the simulated world.
        dataset: what was read from it.
        program: what is trained.
        keep_names: whether reports of this run may show user names and captions.
        parent: the run that is gone on from.

    Raises:
        InputError: the directory holds a run of other data, settings, model or guide; a run without parent lacks a target, or a part to
            leave out.
    """
    run.tidy()
    if parent is None:
        _refuse_unknown(configuration, dataset)
        _refuse_lacking(configuration, dataset)
    if (run.path / "configuration.json").exists():
        begun, stored = run.read_json("source.json"), run.path / "configuration.json"
        if begun.get("fingerprint") != dataset.fingerprint:
            raise InputError(f"{dataset.name}: has changed since the run {run.path} was started")
        before = dataclasses.asdict(Configuration.from_json(run.read_text(stored.name), str(stored)))
        for name, value in dataclasses.asdict(configuration).items():
            if value != before[name]:
                raise InputError(f"{run.path}: holds a run with another setting, {name} = {before[name]!r} and not {value!r}")
        if begun.get("program") != program.fingerprint:
            raise InputError(f"{run.path}: was started with another model or guide (name their file with --program)")
        return
    about = {"data": source, "fingerprint": dataset.fingerprint, "rows": len(dataset), "keep_names": keep_names, "lenient": dataset.lenient}
    about |= {"program": program.fingerprint}
    about |= {} if parent is None else {"parent": parent}
    measured = Path(source or "") / EXTRACTION
    if source is not None and measured.is_file():
        run.write_text(EXTRACTION, json.dumps(json_object(measured.read_text(errors="replace"), str(measured)), indent=2) + "\n")
    run.write_text("source.json", json.dumps(about) + "\n")
    run.write_text("configuration.json", configuration.to_json())


def finish(
    run: RunDirectory, configuration: Configuration, program: Program, dataset: Dataset, about: dict[str, Any], beside: Sequence[str] = ()
) -> None:
    """Write the manifest: `about` the run, and the files `beside` those of every run."""
    files = ["configuration.json", "source.json", "features.json", "features.safetensors", "calibration.json", DEPENDENCE]
    files += [*map(member_file, range(configuration.members)), *([EXTRACTION] if (run.path / EXTRACTION).exists() else [])]
    whose = {"program": program.about, "data": dataset.name, "fingerprint": dataset.fingerprint, "versions": versions()}
    run.finish([*files, *beside], whose | about)


def _refuse_lacking(configuration: Configuration, dataset: Dataset) -> None:
    """A target that was asked for by name, and is no column with a number in it, is not dropped in silence."""
    if configuration.targets == COUNTS:
        return
    followed = learned_from_looks(dataset, configuration.left_out, configuration.target_scale)
    videos = last_told(dataset) if followed else dataset.videos
    for name in configuration.targets:
        if name not in dataset.videos:
            near = nearest(name, dataset.videos.columns.drop("id"))
            raise InputError(f"--targets {name}: {dataset.name} has no such column{f' (is it {near}?)' if near else ''}")
        if not videos[name].notna().any():
            raise InputError(f"--targets {name}: {dataset.name} has the column, but no number in it")


def _refuse_unknown(configuration: Configuration, dataset: Dataset) -> None:
    """A part that cannot be left out, because there is none of that name, is a typing mistake."""
    for name in configuration.without:
        if name not in dataset.parts:
            raise InputError(f"--without {name}: the data has no such part (but {', '.join(dataset.parts)})")
