"""How workers are started."""

import subprocess
import sys
from pathlib import Path

from machine import processes

ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
from machine.processes import prepare_workers, worker_context

def look(results):
    results.put("colorsys" in sys.modules)

if __name__ == "__main__":
    prepare_workers("colorsys")
    context = worker_context()
    results = context.Queue()
    worker = context.Process(target=look, args=(results,))
    worker.start()
    print(results.get(timeout=60), "colorsys" in sys.modules)
    worker.join()
"""


def test_a_worker_begins_with_what_was_prepared(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_where_no_process_can_be_forked_workers_are_started_anew(monkeypatch):
    monkeypatch.setattr(processes.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    monkeypatch.setattr(processes.forkserver, "ensure_running", started_for_nothing)
    processes.prepare_workers("colorsys")
    assert processes.worker_context().get_start_method() == "spawn"


def started_for_nothing() -> None:
    raise AssertionError("a process was started for nothing")
