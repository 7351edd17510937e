import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from extraction.decoding import worker
from extraction.decoding.budget import Budget
from extraction.decoding.worker import ROOT, Decoder
from extraction.settings import Limits
from machine.errors import InputError


def pid_of(decoder):
    return decoder._sandbox._process.pid


def gone(pid):
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def test_a_hanging_sandbox_is_killed_and_replaced(clip):
    path = clip()
    with Decoder(96, 64, Limits(seconds=0.5)) as decoder:
        assert decoder.read(path)[0] is not None
        stopped = pid_of(decoder)
        os.kill(stopped, signal.SIGSTOP)
        began = time.monotonic()
        frames, sound, problems, final = decoder.read(path)
        assert time.monotonic() - began < 10
        assert frames is None
        assert sound is None
        assert not final
        assert problems[0].stage == "limits"
        assert problems[0].reason == "time: decoding stood still for 4 s"
        assert gone(stopped)
        assert decoder.read(path)[0] is not None
        assert pid_of(decoder) != stopped


@pytest.fixture
def stand_in(monkeypatch):
    """A sandbox that does not end with some clips."""
    monkeypatch.setattr(worker, "PROGRAM", "tests.extraction.decoding.stand_in")


@pytest.mark.skipif(sys.platform != "linux", reason="processor time of a process is read from /proc")
@pytest.mark.parametrize(
    ("name", "limits", "reason"),
    [
        ("sleep.mp4", Limits(), "time: decoding stood still for 4 s"),
        ("half.mp4", Limits(), "time: decoding stood still for 4 s"),
        ("spin.mp4", Limits(seconds=1), "time: decoding took longer than 1.6 s of processor time"),
    ],
    ids=["sleeps", "stops halfway", "computes"],
)
@pytest.mark.usefixtures("stand_in")
def test_a_decoder_that_sleeps_or_computes_without_end_is_stopped(clip, name, limits, reason):
    with Decoder(96, 64, limits) as decoder:
        assert decoder.read(clip())[3]
        began = time.monotonic()
        frames, _, problems, final = decoder.read(clip(name))
        assert time.monotonic() - began < 30
        assert frames is None
        assert not final
        assert problems[0].reason == reason
        assert decoder.read(clip())[0] is not None


@pytest.fixture
def start():
    """Start a Python process, which has its modules when this returns and is ended after the test."""
    processes = []

    def run(code):
        process = subprocess.Popen([sys.executable, "-c", f"import os, time\nprint(flush=True)\n{code}"], stdout=subprocess.PIPE)
        processes.append(process)
        process.stdout.readline()
        return process.pid

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def seconds_until_exceeded(budget, most):
    began = time.monotonic()
    while not budget.exceeded() and time.monotonic() - began < most:
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.skipif(sys.platform != "linux", reason="processor time of a process is read from /proc")
def test_one_that_sleeps_has_stalled_and_one_that_waits_for_its_turn_has_not(start):
    spinning = "os.nice({})\nwhile True: pass"
    budget = Budget(start("time.sleep(60)"), 60, stall=0.5)
    assert 0.5 < seconds_until_exceeded(budget, 10) < 10
    assert budget.exceeded() == "decoding stood still for 0.5 s"
    patient = start(spinning.format(19))
    for _ in range(2 * (os.cpu_count() or 1)):
        start(spinning.format(0))
    assert seconds_until_exceeded(Budget(patient, 60, stall=0.5), 2) >= 2


def test_what_is_gone_when_it_is_decoded_may_pass_another_time(tmp_path):
    with Decoder(96, 64, Limits()) as decoder:
        assert decoder.read(tmp_path / "gone.mp4") == (None, None, [("open", "unreadable: No such file or directory")], False)


def test_a_dying_sandbox_is_replaced(clip):
    path = clip()
    with Decoder(96, 64, Limits()) as decoder:
        decoder.read(path)
        os.kill(pid_of(decoder), signal.SIGKILL)
        frames, _, problems, final = decoder.read(path)
        assert frames is None
        assert not final
        assert problems[0].reason == "crash: the decoding process ended (signal 9)"
        assert decoder.read(path)[0] is not None


def test_a_sandbox_that_cannot_start_is_one_error(clip, monkeypatch):
    monkeypatch.setattr(worker, "PROGRAM", "extraction.decoding.none")
    with (
        Decoder(96, 64, Limits()) as decoder,
        pytest.raises(InputError, match=r"the decoding process ended \(code 1\) before it was ready"),
    ):
        decoder.read(clip())


def test_nothing_beside_the_checkout_or_in_the_working_directory_is_imported(clip, tmp_path):
    for room in ("extraction", "machine"):
        shutil.copytree(Path(__file__).parents[3] / room, tmp_path / "checkout" / room)
    (tmp_path / "av.py").write_text("raise SystemExit(3)")
    script = (
        "from pathlib import Path\nfrom extraction.settings import Limits\nfrom extraction.decoding.worker import Decoder\n"
        f"with Decoder(96, 64, Limits()) as decoder:\n    assert decoder.read(Path({clip().name!r}))[0] is not None\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "checkout")}
    subprocess.run([sys.executable, "-P", "-c", script], cwd=tmp_path, env=environment, check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is read from /proc")
@pytest.mark.usefixtures("stand_in")
def test_memory_is_limited(clip):
    with Decoder(96, 64, Limits(memory=20)) as decoder:  # less than the process needs for itself
        frames, _, problems, _ = decoder.read(clip("spin.mp4"))
        assert frames is None
        assert problems[0].reason == "memory: decoding needed more than 20 MB"


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_the_sandbox_limits_itself(clip):
    with Decoder(96, 64, Limits()) as decoder:
        decoder.read(clip())
        limits = Path(f"/proc/{pid_of(decoder)}/limits").read_text()
        rows = {line[:25].strip(): line[26:].split()[0] for line in limits.splitlines()}
        assert rows["Max file size"] == "0"
        assert rows["Max address space"] == str(900_000_000)


def test_no_sandbox_outlives_its_parent(clip):
    path = clip()
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom extraction.settings import Limits\n"
        "from extraction.decoding.worker import Decoder\ndecoder = Decoder(96, 64, Limits())\n"
        "decoder.read(Path(sys.argv[1]))\nprint(decoder._sandbox._process.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        sandbox = int(parent.stdout.readline())
        os.kill(sandbox, signal.SIGSTOP)
        parent.kill()
        os.kill(sandbox, signal.SIGCONT)
        assert gone(sandbox)
