"""Extraction that is killed, interrupted or held up."""

import contextlib
import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.tables.dataset import read_dataset
from tests.extraction.command.commands import ROOT, check_equal, extract, options


def below(parent):
    """Processes started by a process, and by those."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents.setdefault(int(status.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(status.parent.name))
    found = [parent]
    for process in found:
        found += parents.get(process, [])
    return found


def decoding(parent):
    """The sandboxes among them that have a clip open; the others look at it for a moment only."""
    found = []
    for child in below(parent):
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"sandbox" in line and any(os.readlink(link).endswith(".mp4") for link in Path(f"/proc/{child}/fd").iterdir()):
                found.append(child)
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize("workers", [1, 2] if os.environ.get("NIGHTLY") else [2])
def test_a_clip_whose_decoding_stands_still_is_given_up(source, weights, tmp_path, workers):
    out = tmp_path / "out"
    line = [sys.executable, str(ROOT / "extract.py"), *map(str, options(source, out, weights, "--workers", workers))]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        stopped = []
        while process.poll() is None and not stopped:
            stopped = decoding(process.pid)
        os.kill(stopped[0], signal.SIGSTOP)
        try:
            assert process.wait(timeout=120) == 0
        finally:
            process.kill()
    with (out / "problems.csv").open() as file:
        reasons = [row["reason"] for row in csv.DictReader(file) if row["stage"] == "limits"]
    # empty where it was stopped just after the last byte that was needed
    assert set(reasons) <= {"time: decoding stood still for 4 s"}
    assert len(read_dataset(out).ready["visual"].dropna()) >= 6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_interrupted_and_killed_with_clips_in_work_it_goes_on_to_the_same_bytes(extracted, source, weights, tmp_path):
    out = tmp_path / "ended"
    line = [sys.executable, str(ROOT / "extract.py"), *map(str, options(source, out, weights, "--workers", "2"))]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    # something is stored; itself, two workers, and a sandbox of each are at work
    while not list(out.glob(".clips/*/*.npz")) or len(processes := below(process.pid)) < 5:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.strip().splitlines()[-1].startswith("interrupted: what was finished is kept")
    assert "Traceback" not in error
    until = time.monotonic() + 20
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, processes))
    assert list(out.rglob(".*.partial*")) == []
    assert not (out / "extraction.json").exists()

    draws = random.Random(0)
    kept = len(list(out.glob(".clips/*/*.npz")))
    for _ in range(50 if os.environ.get("NIGHTLY") else 1):
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            began = time.monotonic()
            moment = draws.uniform(0.5, 8)
            while process.poll() is None and time.monotonic() - began < moment:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        now = len(list(out.glob(".clips/*/*.npz")))
        assert now >= kept
        kept = now
    # what two workers began and end has the bytes of one
    extract(*options(source, out, weights, "--workers", "2"))
    check_equal(extracted[0], out)


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
