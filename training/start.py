"""Where a run begins: a new run directory or one to be resumed, with its configuration and its data."""

import argparse
import dataclasses
import json
from pathlib import Path

from features.tables.dataset import RESERVED, Dataset
from forecast.run.configuration import AUTOMATIC, PRESETS, Configuration
from forecast.run.directory import RunDirectory, new_run, unfinished_run
from machine.errors import InputError
from machine.files import json_object

EXTRACTION = "extraction.json"  # how extract.py measured the clips, so that predict.py --video measures alike


def open_run(options: argparse.Namespace) -> tuple[RunDirectory, Configuration, str | None]:
    """The run directory, its configuration and its data source, new or resumed.

    Args:
        options: `run`, `resume`, `data`, `preset`, and the settings that were given.

    Raises:
        InputError: the run exists already, is finished, or was started with other settings.
    """
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Configuration) if hasattr(options, field.name)}
    configuration = Configuration(**PRESETS[options.preset] | given)
    if not options.resume:
        run = RunDirectory(options.run or new_run(Path("runs")))
        if (run.path / "configuration.json").exists():
            raise InputError(f"{run.path}: already holds a run (choose another --run, or go on with --resume)")
        return run, configuration, options.data
    run = RunDirectory(options.run or unfinished_run(Path("runs")))
    if run.finished:
        raise InputError(f"{run.path}: is finished already (evaluate it with: python evaluate.py --run {run.path})")
    if not (run.path / "configuration.json").exists():
        return run, configuration, options.data
    stored = Configuration.from_json(run.read_text("configuration.json"), str(run.path / "configuration.json"))
    source = run.read_json("source.json").get("data")
    for name, value in given.items():
        left_to_us = value == 0 and name in (*AUTOMATIC, "seed")
        if value != getattr(stored, name) and not left_to_us:
            raise InputError(
                f"--{name.replace('_', '-')}: the run was started with {getattr(stored, name)!r}, which --resume cannot change"
            )
    if options.data is not None and options.data != source:
        raise InputError(f"--data: the run was started with {source}, which --resume cannot change")
    return run, stored, source


def begin(run: RunDirectory, configuration: Configuration, source: str | None, dataset: Dataset, *, keep_names: bool = False) -> None:
    """Write down what is being run, and how the clips of its data were measured.

    Args:
        run: the run directory, new or to be resumed.
        configuration: the settings.
        source: dataset directory or file; None for the simulated world.
        dataset: what was read from it.
        keep_names: whether reports of this run may show user names and captions.

    Raises:
        InputError: the run is being resumed and the data has changed, or a part to leave out does not exist.
    """
    run.tidy()
    _refuse_unknown(configuration, dataset)
    if (run.path / "configuration.json").exists():
        if run.read_json("source.json").get("fingerprint") != dataset.fingerprint:
            raise InputError(f"{dataset.name}: has changed since the run {run.path} was started")
        return
    about = {"data": source, "fingerprint": dataset.fingerprint, "rows": len(dataset), "keep_names": keep_names, "lenient": dataset.lenient}
    measured = Path(source or "") / EXTRACTION
    if source is not None and measured.is_file():
        run.write_text(EXTRACTION, json.dumps(json_object(measured.read_text(errors="replace"), str(measured)), indent=2) + "\n")
    run.write_text("source.json", json.dumps(about) + "\n")
    run.write_text("configuration.json", configuration.to_json())


def _refuse_unknown(configuration: Configuration, dataset: Dataset) -> None:
    """A part that cannot be left out, because there is none of that name, is a typing mistake."""
    known = dict.fromkeys((*RESERVED, "textual", *dataset.ready))
    for name in configuration.without:
        if name not in known:
            raise InputError(f"--without {name}: the data has no such part (but {', '.join(known)})")
