"""One peer, one split, one seed, in a process of its own, so that its time and peak memory are its own.

Run by `benchmarks/peers.py`: the job comes as JSON on standard input, the result goes as JSON to the file that the job names.
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
from importlib import metadata
from pathlib import Path

from features.errors import InputError
from features.files import write_text

ROOT = Path(__file__).resolve().parents[1]
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
    """Fit a peer of `peer_models` or `peer_networks` and score it on the test rows."""
    import numpy as np

    from benchmarks import peer_models, peer_networks
    from benchmarks.peer_columns import make_task
    from benchmarks.peer_forecasts import EVEN_LEVELS, mape, scores
    from features.dataset import read_dataset
    from features.splits import split

    targets, log_targets = tuple(job["targets"]), job["target_scale"] == "log1p"
    dataset = read_dataset(job["data"], targets=targets, count_targets=log_targets)
    rows = split(dataset.videos, job["split"], seed=job["seed"])
    started = time.perf_counter()
    task = make_task(
        dataset, rows, targets, log_targets=log_targets, new_authors=job["split"] == "author", seed=job["seed"], threads=job["threads"]
    )
    name = job["peer"].replace("-", "_")
    forecasts = getattr(peer_models, name, None) or getattr(peer_networks, name)
    forecasts = forecasts(task)
    seconds = time.perf_counter() - started
    scored = {}
    for target, forecast in forecasts.items():
        truth = task.test.targets[target].to_numpy()
        scored[target] = scores(forecast, truth)
        if not log_targets:
            scored[target]["mape"] = mape(forecast.quantiles(EVEN_LEVELS), truth)
    mean = {score: float(np.mean([values[score] for values in scored.values()])) for score in next(iter(scored.values()))}
    return _result(job, resource.RUSAGE_SELF, seconds, scored, mean) | {
        "rows": dict(zip(rows._fields, map(len, rows), strict=True)),
        "fingerprint": dataset.fingerprint,
    }


def clipcast(job: dict) -> dict:
    """Train and evaluate clipcast with its own commands and read what they wrote."""
    identity = job["target_scale"] == "identity"
    with tempfile.TemporaryDirectory() as temporary:
        run, out = Path(temporary) / "run", Path(temporary) / "evaluation"
        options = ["--targets", ",".join(job["targets"]), "--target-scale", job["target_scale"], "--seed", str(job["seed"])]
        started = time.perf_counter()
        _command("train.py", "--data", job["data"], "--split", job["split"], *options, *CLIPCAST[job["peer"]], "--run", str(run))
        draws = ["--save-samples"] if identity else []
        _command("evaluate.py", "--run", str(run), "--samples", "1000", "--seed", str(job["seed"]), "--out", str(out), *draws)
        seconds = time.perf_counter() - started
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        scored, mean = metrics["targets"], metrics["mean"]
        if identity:
            for target, error in _sample_mape(out / "samples.npz").items():
                scored[target]["mape"] = error
            mean["mape"] = sum(values["mape"] for values in scored.values()) / len(scored)
    return _result(job, resource.RUSAGE_CHILDREN, seconds, scored, mean) | {
        "rows": {"test": metrics["rows"]},
        "baseline": metrics["baseline"],
    }


def _sample_mape(path: Path) -> dict[str, float]:
    import numpy as np

    from benchmarks.peer_forecasts import mape

    with np.load(path, allow_pickle=False) as file:
        samples, truth = file["samples"], file["truth"]
        return {str(name): mape(samples[:, :, k].T, truth[:, k]) for k, name in enumerate(file["targets"])}


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
