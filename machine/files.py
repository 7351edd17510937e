"""Files in and out: whole or not at all, and never outside their directory."""

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine.errors import InputError


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends well, remove it when it fails.

    A reader therefore sees the old file or the whole new one. The temporary name keeps the suffix, since some writers look at it.

    Raises:
        InputError: the directory cannot be written, or the disk is full.
    """
    temporary = path.parent / f".{path.stem}-{secrets.token_hex(4)}.partial{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less the umask, which only the system knows
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_object(text: str, where: str) -> dict[str, Any]:
    """Parse a JSON object; `where` names the file in messages.

    Raises:
        InputError: not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: not a JSON object")
    return value


def regular_file(path: Path) -> Path:
    """Return `path` if it is a regular file (a pipe or a device would block for ever), else raise InputError."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no such file") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: not a regular file")
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(directory: Path, relative: str) -> Path:
    """Return `directory / relative` if, after following every symbolic link, it lies below `directory`.

    Raises:
        InputError: an absolute path, a URL, or one that leaves the directory by `..` or by a link.
    """
    if "\0" in relative or "://" in relative or Path(relative).is_absolute():
        raise InputError(f"{relative!r}: only a path relative to {directory} is allowed")
    root = directory.resolve()
    target = (root / relative).resolve()
    if not target.is_relative_to(root):
        raise InputError(f"{relative!r}: leaves {directory}")
    return target
