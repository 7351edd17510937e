"""Media files below a folder, and whose they are."""

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from machine.errors import InputError
from machine.files import inside

MEDIA = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".flv", ".avi", ".3gp", ".ts", ".m4a", ".mp3", ".wmv", ".mpg", ".mpeg")
NAMING = re.compile(r"(?<![0-9A-Za-z])[0-9]{10,20}(?![0-9A-Za-z])")  # a long number within a name is an id
SHORT = 10  # characters; files that are called by a shorter id, as 1.mp4, may lie in several folders and be of several videos
SURE = 100  # parts of a path, more than there are: a clip beside its info file is no other video's
Asked = tuple[str, Sequence[str], str | None]  # a video's id, the names that its entry gives its file, and the info file's


class Media:
    """The media files below a folder; none without one.

    Attributes:
        files: paths relative to it, sorted.
        unnamed: such paths that are no text (not UTF-8), which no table can hold and no id can be made of.
        doubtful: names of which nobody can say whose file they mean, with the files or videos that they may mean.
    """

    def __init__(self, folder: Path | None = None) -> None:
        below = [] if folder is None else [path.relative_to(folder).as_posix() for path in media_below(folder)]
        self.files = [name for name in below if shown(name) == name]
        self.unnamed = [name for name in below if shown(name) != name]
        self.doubtful: dict[str, list[str]] = {}
        self._beside: dict[str, str] = {}
        self._called: dict[str, list[str]] = defaultdict(list)
        self._of: dict[str, list[str]] = defaultdict(list)
        pictures_first = [Path(name) for name in sorted(self.files, key=lambda name: MEDIA.index(Path(name).suffix.lower()))]
        for path in pictures_first:
            self._called[path.name].append(path.as_posix())
            self._beside.setdefault(path.with_suffix("").as_posix(), path.as_posix())
        stems = [Path(name) for name in self._beside.values()]
        for path in stems:
            self._of[path.stem].append(path.as_posix())
        for path in stems:  # what a whole name says counts more
            bracketed = re.fullmatch(r".*\[([^\[\]]+)\]", path.stem)
            for name in [bracketed[1]] if bracketed else NAMING.findall(path.stem):
                self._of[name].append(path.as_posix())

    def of(self, asked: Sequence[Asked]) -> list[str | None]:
        """The media file of each video: named like its info file, by its entry, or by its id; None where nothing says whose a file is.

        A file that several videos would have is that of the one whose name for it has the longest ending in common with its path, if
        there is one such video.
        """
        claims = [self._claim(*one) for one in asked]
        owners: dict[str, dict[str, int]] = defaultdict(dict)
        for (name, _, _), (file, strength) in zip(asked, claims, strict=True):
            if file is not None:
                owners[file][name] = max(strength, owners[file].get(name, 0))
        owner = {}
        for file, strengths in owners.items():
            most = [name for name, strength in strengths.items() if strength == max(strengths.values())]
            owner[file] = most[0] if len(most) == 1 else None
            if len(most) > 1:
                self.doubtful[file] = [f"the videos {most[0]} and {most[1]}"]
        return [file if file is not None and owner[file] == name else None for (name, _, _), (file, _) in zip(asked, claims, strict=True)]

    def notes(self) -> list[str]:
        """A sentence about names that leave open whose file is meant."""
        if not self.doubtful:
            return []
        name, several = next(iter(self.doubtful.items()))
        return [
            f"{len(self.doubtful)} names of clips leave open whose they are, and so give no video a clip (say it in video_path): the first "
            f"is {name}, which is {' and '.join(several[:2])}"
        ]

    def _claim(self, name: str, files: Sequence[str], beside: str | None) -> tuple[str | None, int]:
        """A video's file, and how many parts of its path say so."""
        if beside is not None and beside in self._beside:
            return self._beside[beside], len(PurePosixPath(beside).parts) + SURE
        open_names = {}
        for file in files:
            path = PurePosixPath(file.replace("\\", "/"))
            ranked = sorted(((_common(path, one), one) for one in self._called.get(path.name, ())), reverse=True)
            if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
                open_names[path.name] = sorted(one for _, one in ranked)
            elif ranked:
                return ranked[0][1], ranked[0][0]
        own = self._of.get(name, [])
        if len(own) > 1 and len(name) < SHORT:
            whole = [file for file in own if PurePosixPath(file).stem == name]
            open_names |= {} if len(whole) == 1 else {name: own}
            own = whole if len(whole) == 1 else []
        if own:
            return own[0], 1
        self.doubtful |= open_names
        return None, 0


def _common(path: PurePosixPath, file: str) -> int:
    """How many last parts two paths have in common; one more where they are the same."""
    parts = zip(reversed(path.parts), reversed(PurePosixPath(file).parts), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], parts)) + (path.as_posix() == file)


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
