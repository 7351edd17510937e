"""Media files below a folder, and whose they are."""

import re
from collections.abc import Sequence
from pathlib import Path

from machine.errors import InputError
from machine.files import inside

MEDIA = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".flv", ".avi", ".3gp", ".ts", ".m4a", ".mp3", ".wmv", ".mpg", ".mpeg")
NAMING = re.compile(r"(?<![0-9A-Za-z])[0-9]{10,20}(?![0-9A-Za-z])")  # a long number within a name is an id


class Media:
    """The media files below a folder; none without one.

    Attributes:
        files: paths relative to it, sorted.
        unnamed: such paths that are no text (not UTF-8), which no table can hold and no id can be made of.
    """

    def __init__(self, folder: Path | None = None) -> None:
        below = [] if folder is None else [path.relative_to(folder).as_posix() for path in media_below(folder)]
        self.files = [name for name in below if shown(name) == name]
        self.unnamed = [name for name in below if shown(name) != name]
        self._beside: dict[str, str] = {}
        self._called: dict[str, str] = {}
        self._of: dict[str, str] = {}
        pictures_first = [Path(name) for name in sorted(self.files, key=lambda name: MEDIA.index(Path(name).suffix.lower()))]
        for path in pictures_first:
            self._beside.setdefault(path.with_suffix("").as_posix(), path.as_posix())
            self._called.setdefault(path.name, path.as_posix())
            self._of.setdefault(path.stem, path.as_posix())
        for path in pictures_first:  # what a whole name says counts more
            bracketed = re.fullmatch(r".*\[([^\[\]]+)\]", path.stem)
            for name in [bracketed[1]] if bracketed else NAMING.findall(path.stem):
                self._of.setdefault(name, path.as_posix())

    def of(self, name: str, files: Sequence[str] = (), beside: str | None = None) -> str | None:
        """The media file of a video: named like the info file `beside`, by the entry itself (`files`), or by the video's id."""
        called = (self._called.get(Path(file.replace("\\", "/")).name) for file in files)
        found = self._beside.get(beside) if beside is not None else None
        return found or next((one for one in called if one is not None), None) or self._of.get(name)


def shown(name: str) -> str:
    """A file's name as text: bytes that are not UTF-8 are written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def media_below(folder: Path) -> list[Path]:
    """Regular media files below `folder`, sorted; hidden ones, pipes, devices and links that lead out of it are passed over."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in MEDIA and plain(path, folder)]


def plain(path: Path, folder: Path) -> bool:
    """Whether a path below `folder` is a regular file that is not hidden and does not lead out of it."""
    relative = path.relative_to(folder)
    if any(part.startswith(".") for part in relative.parts):
        return False
    try:
        return inside(folder, str(relative)).is_file()
    except (InputError, OSError, RuntimeError):
        return False
