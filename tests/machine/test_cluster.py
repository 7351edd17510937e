"""Ray with two workers, one of them killed in the middle: the bytes of one process, no row lost or doubled."""

import filecmp
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray")

ROOT = Path(__file__).resolve().parents[2]


def workers_of(parent: int, task: str) -> list[int]:
    """Processes below `parent` in which Ray runs `task`."""
    parents, titles = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            titles[int(entry.name)] = (entry / "cmdline").read_bytes().decode(errors="replace")
        except (OSError, IndexError):
            continue

    def below(process: int) -> bool:
        while process in parents and process != parent:
            process = parents[process]
        return process == parent

    return [process for process, title in titles.items() if title.startswith(f"ray::{task}") and below(process)]


def run_and_kill_a_worker(line: list[str], task: str) -> None:
    """Run a command; kill the first worker that is seen at `task`."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}
    with subprocess.Popen(
        [sys.executable, *line], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        victims: list[int] = []
        while not victims and running.poll() is None:
            victims = workers_of(running.pid, task)
            time.sleep(0.2)
        assert victims, "no worker was seen"
        os.kill(victims[0], signal.SIGKILL)
        _, errors = running.communicate(timeout=600)
    assert running.returncode == 0, errors


@pytest.mark.slow
def test_extraction_with_a_killed_worker_gives_the_same_bytes(weights, tmp_path):
    import extract
    from extraction.simulated_clips import simulate

    simulate(tmp_path / "source", 4)
    options = [
        "--videos",
        str(tmp_path / "source"),
        "--device",
        "cpu",
        "--backbone",
        "efficientnet_lite0",
        "--visual-weights",
        str(weights),
    ]
    extract.main([*options, "--out", str(tmp_path / "one")])
    run_and_kill_a_worker(["extract.py", *options, "--out", str(tmp_path / "ray"), "--ray", "--workers", "2"], "read")
    names = [path.name for path in (tmp_path / "one").iterdir() if path.is_file()]
    assert "visual.parquet" in names
    assert filecmp.cmpfiles(tmp_path / "one", tmp_path / "ray", names, shallow=False) == (names, [], [])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*videos that the run was trained on")
def test_forecasts_with_a_killed_worker_are_the_same_bytes(run_directory, dataset_directory, tmp_path, unrendered):
    import evaluate

    options = ["--run", str(run_directory), "--data", str(dataset_directory), "--samples", "40", "--save-samples"]
    evaluate.main([*options, "--out", str(tmp_path / "one")])
    run_and_kill_a_worker(["evaluate.py", *options, "--out", str(tmp_path / "ray"), "--ray"], "_call")
    for name in ("forecasts.csv", "samples.npz"):
        assert filecmp.cmp(tmp_path / "one" / name, tmp_path / "ray" / name, shallow=False)
