"""What a source holds, before anything is done with it: columns, and media files."""

from pathlib import Path

from extraction.settings import Limits
from extraction.sources.source import Source, media_file
from features.tables.columns import COLUMNS
from machine.errors import InputError


def column_lines(source: Source) -> list[str]:
    """One line a column of the contract: videos that have it, lack it, and had a value that could not be used."""
    lines = [f"{'column':20} {'found':>8} {'missing':>8} {'unusable':>8}"]
    for name in COLUMNS:
        found = int(source.videos[name].notna().sum()) if name in source.videos else 0
        unusable = source.unusable.get(name, 0)
        lines.append(f"{name:20} {found:8} {len(source.videos) - found - unusable:8} {unusable:8}")
    return lines


def media_lines(source: Source, limits: Limits) -> tuple[list[str], int]:
    """One line a media file (what it is, or why it cannot be used), and the number of usable ones; no file is decoded."""
    lines, usable = [], 0
    for row, relative in enumerate(source.videos["video_path"]):
        if relative is None:
            continue
        verdict = _verdict(source, row, relative, limits)
        usable += verdict.startswith("ok")
        lines.append(f"{relative}: {verdict}")
    return lines, usable


def _verdict(source: Source, row: int, relative: str, limits: Limits) -> str:
    try:
        return _verdict_of_file(media_file(source, row, relative), limits)
    except InputError as error:
        return f"refused, {error.__cause__ or error}"
    except (FileNotFoundError, NotADirectoryError):
        return "missing, no such file"
    except OSError as error:
        return f"unusable, {error.strerror or error}"


def _verdict_of_file(path: Path, limits: Limits) -> str:
    size = path.stat().st_size
    if size == 0:
        return "unusable, empty"
    if size > limits.megabytes * 1_000_000:
        return f"unusable, larger than {limits.megabytes} MB"
    from extraction.decoding.recognise import container

    name, supported = container(path)
    return f"ok, {name}, {size / 1e6:.1f} MB" if supported else f"unusable, {name}"
