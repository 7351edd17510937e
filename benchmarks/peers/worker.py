"""One peer, one split, one seed, in a process of its own, so that its time and peak memory are its own.

Run by `python -m benchmarks.peers`: the job comes as JSON on standard input, the result goes as JSON to the file that the job names.
"""

import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from statistics import fmean

import numpy as np

from features.scale import Scale
from machine.errors import InputError
from machine.files import write_text

ROOT = Path(__file__).resolve().parents[2]
CLIPCAST = {"clipcast": (), "clipcast-paper": ("--preset", "paper")}


def main() -> None:
    """Run the job on standard input; exit 2 with one sentence when its input is bad."""
    job = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    try:
        result = clipcast(job) if job["peer"] in CLIPCAST else peer(job)
    except InputError as error:
        sys.exit(_refuse(str(error)))
    except ImportError as error:
        sys.exit(_refuse(f"--peers {job['peer']}: {error}; pip install '.[peers]'"))
    write_text(Path(job["result"]), json.dumps(result))


def peer(job: dict) -> dict:
    """Fit a peer and score it on the test rows."""
    from benchmarks.peers.runner import Question, scores
    from features.rows.splits import split
    from features.tables.dataset import read_dataset
    from forecast.scoring.subsets.lead import days

    targets, scale = tuple(job["targets"]), job["target_scale"]
    dataset = read_dataset(job["data"], targets=targets, target_scale=scale)
    rows = split(dataset.videos, job["split"], seed=job["seed"], test_share=job["test_share"])
    learned = np.sort(np.concatenate([rows.train, rows.validation]))
    look = None if dataset.readings is None else (days(job["seen"], "first"), days(job["horizon"], "last"))
    started = time.perf_counter()
    found = scores(job["peer"], Question(dataset, learned, rows.test, targets, scale, job["split"], look, job["seed"], job["threads"]))
    seconds = time.perf_counter() - started
    about = {"rows": {"learned": found.learned, "test": found.tested}}
    return _result(job, resource.RUSAGE_SELF, seconds, found.targets, found.mean) | about


def clipcast(job: dict) -> dict:
    """Train and evaluate clipcast with its own commands and read what they wrote."""
    seed = ("--seed", str(job["seed"]))
    with tempfile.TemporaryDirectory() as temporary:
        run, out = Path(temporary) / "run", Path(temporary) / "evaluation"
        options = [f"--targets={','.join(job['targets'])}"]
        options += [f"--{name.replace('_', '-')}={job[name]}" for name in ("split", "test_share", "target_scale")]
        started = time.perf_counter()
        _command("train.py", "--data", job["data"], *options, *seed, *CLIPCAST[job["peer"]], *job["clipcast_options"], "--run", str(run))
        asked = ("--seen", job["seen"], "--horizon", job["horizon"])
        _command("evaluate.py", "--run", str(run), "--samples", "1000", *asked, *seed, "--out", str(out))
        seconds = time.perf_counter() - started
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    mean = metrics["mean"]
    if not Scale(job["target_scale"]).counts and "mape" in metrics:
        mean["mape"] = _mean(metrics["mape"].values())
    about = {name: metrics[name] for name in ("baseline", "joint", "groups") if name in metrics}
    return _result(job, resource.RUSAGE_CHILDREN, seconds, metrics["targets"], mean) | {"rows": {"test": metrics["rows"]}} | about


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _command(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=sys.stderr, check=False)
    if done.returncode:
        raise InputError(f"python {' '.join(arguments)} exited {done.returncode}")


def _result(job: dict, who: int, seconds: float, targets: dict, mean: dict) -> dict:
    used = resource.getrusage(who)
    unit = 1 if platform.system() == "Darwin" else 1024
    return {
        "peer": job["peer"],
        "split": job["split"],
        "seed": job["seed"],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss * unit / 2**20),
        "versions": _versions(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", 0)),
        "targets": targets,
        "mean": mean,
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("catboost", "lightgbm", "ngboost", "pytabkit", "tabm", "scikit-learn", "torch", "pyro-ppl", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _refuse(sentence: str) -> int:
    print(f"error: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
