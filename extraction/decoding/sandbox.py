"""The process that opens media files: small, without network weights, limited, and killed by its parent when in doubt.

Started by `extraction.decoding.worker` as `python -m extraction.decoding.sandbox FD REQUEST`. It receives paths and answers
with JSON and raw bytes; nothing is pickled in either direction.
"""

import contextlib
import json
import os
import resource
import select
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from extraction.settings import ALLOWANCE, LONGEST, PIECE, Limits

MAPPED = 400  # megabytes of address space for Python and FFmpeg themselves


def main() -> None:
    """Serve clips until the parent closes the connection."""
    connection = Connection(int(sys.argv[1]))
    request = json.loads(sys.argv[2])
    limits = Limits(**request["limits"])
    from extraction.decoding.decode import Clip, read_clip

    threading.Thread(target=_leave_with_parent, args=(connection,), daemon=True).start()
    _limit("RLIMIT_AS", (limits.memory + MAPPED) * 1_000_000)
    _limit("RLIMIT_FSIZE", 0)  # it has no file to write
    _limit("RLIMIT_CORE", 0)
    connection.send_bytes(b"ready")
    while True:
        try:
            path = Path(connection.recv_bytes().decode(errors="surrogateescape"))
        except (EOFError, OSError):
            return
        final = True
        with _cpu_seconds(limits.seconds + LONGEST * ALLOWANCE):
            try:
                clip = read_clip(path, request["resize"], request["crop"], limits, lambda s: _send(connection, {"seconds": s}))
            except MemoryError:
                clip = Clip()
                clip.note("limits", f"memory: decoding needs more than {limits.memory} MB")
            except OSError as error:
                clip = Clip()
                clip.note("open", f"unreadable: {error.strerror or error}")
                final = False  # what may not be read, or is gone, may be there another time
        sound = memoryview(b"" if clip.sound is None else clip.sound.data)
        _send(connection, {"frames": clip.frames is not None, "samples": len(sound), "problems": clip.problems, "final": final})
        if clip.frames is not None:
            connection.send_bytes(clip.frames.tobytes())
        for first in range(0, len(sound), PIECE):
            connection.send_bytes(sound[first : first + PIECE])


def _send(connection: Connection, message: dict) -> None:
    connection.send_bytes(json.dumps(message).encode())


def _limit(name: str, amount: int) -> None:
    # not every system knows or enforces every limit; the parent watches besides
    with contextlib.suppress(AttributeError, ValueError, OSError):
        resource.setrlimit(getattr(resource, name), (amount, amount))


@contextlib.contextmanager
def _cpu_seconds(amount: float) -> Iterator[None]:
    """Let the system end this process if the block uses more processor time."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + amount) + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _leave_with_parent(connection: Connection) -> None:
    """End when the other end of the connection closes, whatever this process is doing."""
    hanging_up = select.poll()
    hanging_up.register(connection, 0)
    hanging_up.poll()
    os._exit(1)


if __name__ == "__main__":
    main()
