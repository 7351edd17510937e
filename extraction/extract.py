"""All clips of a source to a dataset directory: resumable, and the same bytes whatever the number of workers."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from extraction import output
from extraction.clips import Readers, columns, settled_apart
from extraction.settings import Limits, Problem, Settings
from extraction.sources.source import Source, media_files
from extraction.store import Result, Store, description
from machine.errors import InputError
from machine.files import regular_file, write_text

MISSING = Result(problems=[Problem("open", "missing: no such file")])


@dataclass
class Progress:
    """Where an extraction stands."""

    clips: int
    done: int = 0
    known: int = 0
    problems: int = 0


def extract(
    source: Source,
    out: Path,
    settings: Settings,
    limits: Limits,
    workers: int = 1,
    report: Callable[[Progress], None] = lambda progress: None,
    pool: Callable[[Settings, Limits, int], Any] = Readers,
) -> dict:
    """Write the dataset directory `out`: videos, features of every clip, problems.csv and extraction.json.

    Args:
        source: the videos and where their media files are.
        out: made if needed; results of earlier runs in it are used.
        settings: what to extract.
        limits: what one clip may cost.
        workers: clips in work at the same time, one processor core each.
        report: called after every clip.
        pool: who reads the clips: `pool(settings, limits, workers)` is entered, and asked as `Readers` is.

    Returns:
        What extraction.json holds.

    Raises:
        InputError: a path that is not allowed, missing weights, or `out` cannot be used.
    """
    output.check(source, out)
    paths = media_files(source)
    if any(path is not None for path in paths):  # a table alone needs no weights
        settings = settled_apart(settings)
    described = description(settings, limits)
    store = Store(out / ".clips", described)
    progress = Progress(clips=sum(path is not None for path in paths))
    outcomes, unkept = _work(paths, partial(pool, settings, limits, workers), workers, store, progress, report)

    def results() -> Iterator[Result | None]:
        for outcome in outcomes:
            yield unkept.get(outcome) or store.get(outcome) or MISSING if isinstance(outcome, str) else outcome

    counts = {part: output.write_features(out, part, names, source.videos["id"], results()) for part, names in columns(settings).items()}
    counts["problems"] = output.write_problems(out, source.videos, results())
    output.write_videos(out, source.videos)
    output.write_readings(out, source.readings)
    summary = {
        **described,
        "visual": {**described["visual"], "weights": settings.weights},
        "counts": {"videos": len(source.videos), "clips": progress.clips, **counts},
        "source": source.kind,
        "videos": output.origin(source),
    }
    write_text(out / "extraction.json", json.dumps(summary, indent=2, sort_keys=True) + "\n")
    return summary


def read_settings(path: Path) -> Settings:
    """The settings that an extraction.json records, to treat further clips alike.

    Raises:
        InputError: the file is missing or not such a file.
    """
    try:
        recorded = json.loads(regular_file(path).read_text(encoding="utf-8"))["visual"]
        names = {field.name for field in dataclasses.fields(Settings)}
        values: dict[str, Any] = {name: str(value) for name, value in recorded.items() if name in names}
        return Settings(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not an extraction.json as extract.py writes it") from error


def _key(path: Path, store: Store) -> str | Result:
    """The fingerprint of a clip, or the problem of one that cannot be opened."""
    try:
        return store.key(path)
    except (OSError, InputError) as error:
        why = error.__cause__ or error
        if isinstance(why, (FileNotFoundError, NotADirectoryError)):
            return MISSING
        return Result(problems=[Problem("open", f"unreadable: {getattr(why, 'strerror', None) or why}")])


def _work(
    paths: list[Path | None],
    pool: Callable[[], Any],
    workers: int,
    store: Store,
    progress: Progress,
    report: Callable[[Progress], None],
) -> tuple[list[str | Result | None], dict[str, Result]]:
    """Do what the store does not hold.

    Returns:
        the key of each path, or its result where it cannot be opened, or None without a path; and the results that are not kept, by key.
    """
    outcomes: list[str | Result | None] = []
    seen: set[str] = set()
    unkept: dict[str, Result] = {}
    running: dict[Future, str] = {}

    def collect(most: int) -> None:
        """Wait until no more than `most` clips are in work."""
        while len(running) > most:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                key = running.pop(future)
                try:
                    result, final = future.result()
                except BrokenProcessPool as error:
                    raise InputError("a worker process was ended (too little memory?): what was finished is kept, run again") from error
                if final:
                    store.put(key, result)
                else:
                    unkept[key] = result
                count(bool(result.problems))

    def count(problem: bool) -> None:
        progress.done += 1
        progress.problems += problem
        report(progress)

    with pool() as readers:
        for path in paths:
            outcome = None if path is None else _key(path, store)
            known = store.get(outcome) if isinstance(outcome, str) else outcome
            if path is not None and isinstance(outcome, str) and known is None and outcome not in seen:
                running[readers.submit(path)] = outcome
                collect(2 * workers)
            elif path is not None:
                progress.known += 1
                count(bool(known and known.problems))
            outcomes.append(outcome)
            if isinstance(outcome, str):
                seen.add(outcome)
        collect(0)
    return outcomes, unkept
