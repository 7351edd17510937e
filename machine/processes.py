"""What every process needs to know of its machine and of its parent."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing import forkserver
from typing import Any

from machine.errors import InputError

FORKED = "forkserver"


def begin_worker() -> None:
    """Call first in a worker process: Ctrl-C is for its parent, and it ends with its parent, even one that is killed outright."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def worker_context() -> Any:
    """How workers are started: forked from a process that only imports, where the system can do that, else anew."""
    return multiprocessing.get_context(FORKED if FORKED in multiprocessing.get_all_start_methods() else "spawn")


def prepare_workers(*modules: str) -> None:
    """Begin to import `modules` in the process that workers are forked from, where there will be one."""
    context = worker_context()
    if context.get_start_method() == FORKED:
        context.set_forkserver_preload(list(modules))
        forkserver.ensure_running()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def release_memory() -> None:
    """Give freed memory back to the system now. Only glibc can be asked to; elsewhere nothing happens."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def device_name(name: str) -> str:
    """`cpu`, `cuda` or `mps`, as torch calls them; `auto` takes a GPU where there is one.

    Raises:
        InputError: that device is not there.
    """
    if name == "cpu":
        return name
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next((kind for kind in available if available[kind]), "cpu")
    if not available[name]:
        raise InputError(f"--device {name}: this machine has none that torch can use")
    return name
