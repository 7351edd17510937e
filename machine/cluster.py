"""Work handed to Ray: this machine's cores or a cluster's, with the results of one process (extra `[scale]`).

Every machine has this package installed and finds the files under the same paths. A task whose worker dies is run again elsewhere;
results come back in order, each once, and only the process that asked writes files.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from machine.errors import InputError

LOCAL = "local"
ATTEMPTS = 5  # of a task whose worker dies
STORE = 1 << 29  # bytes of a local cluster's memory for objects on their way


class Cluster:
    """A connection to Ray. Use as a context manager.

    Args:
        address: `local` starts a cluster of this machine's cores; else that of a running one, such as `10.0.0.1:6379` or `auto`.
        cores: of a local cluster (default: all that this process may use).

    Raises:
        InputError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, address: str = LOCAL, cores: int | None = None) -> None:
        self._address, self._cores = address, cores or len(os.sched_getaffinity(0))

    def __enter__(self) -> "Cluster":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
        try:
            import ray
        except ImportError as error:
            raise InputError("--ray: Ray is not installed (python -m pip install 'clipcast[scale]')") from error
        quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if self._address == LOCAL:
                ray.init(num_cpus=self._cores, object_store_memory=STORE, **quiet)
            else:
                ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"--ray {self._address}: no cluster answers there ({error})") from error
        self.cores = max(int(ray.cluster_resources().get("CPU", 1)), 1)
        return self

    def __exit__(self, *exception) -> None:
        import ray

        ray.shutdown()

    def map(self, function: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Any]:
        """Like `map`, on all cores; no more jobs are taken than can be worked on soon."""
        import ray

        task, shared = task_of(_call), ray.put(function)
        waiting: deque = deque()
        for job in jobs:
            if len(waiting) >= 2 * self.cores:
                yield _result(waiting.popleft())
            waiting.append(task.remote(shared, job))
        while waiting:
            yield _result(waiting.popleft())


def task_of(function: Callable) -> Any:
    """A function as a task of Ray's, which is tried again where its worker dies."""
    import ray

    return ray.remote(num_cpus=1, max_retries=ATTEMPTS)(function)


def _result(reference: Any) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.WorkerCrashedError as error:
        raise InputError(f"--ray: the workers of one task died {ATTEMPTS + 1} times (too little memory?)") from error


def _call(function: Callable[[Any], Any], job: Any) -> Any:
    import torch

    torch.set_num_threads(1)
    return function(job)
