"""A reader: where a collector puts what the contract calls a column, and the marks by which its entries are known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from features.tables.columns import COLUMNS
from features.tables.values import is_missing, parse_tags, parse_written

AUTHOR_ID = "author_id"  # the author's lasting identifier (or several), beside `username`, which may change
HELD = "files"  # names that the entry itself gives its media file
Place = str | Callable[[dict], Any]


@dataclass(frozen=True)
class Reader:
    """One collector's table of names.

    Attributes:
        kind: the collector, in words.
        places: column to paths in an entry (`stats.playCount`) or functions of it, most exact first; the first value there is counts.
        marks: paths of which an entry has at least one; the more, the better it fits.
        never: paths that an entry of this collector never has.
        used: further paths that functions read.
    """

    kind: str
    places: Mapping[str, tuple[Place, ...]]
    marks: tuple[str, ...]
    never: tuple[str, ...] = ()
    used: frozenset[str] = field(default=frozenset())

    def fit(self, entry: dict) -> tuple[int, int]:
        """How well an entry fits: marks and columns found; (0, 0) where it is not of this collector."""
        if any(at(entry, path) is not None for path in self.never) or self.value(entry, "id") is None:
            return 0, 0
        marks = sum(at(entry, path) is not None for path in self.marks)
        return (marks, sum(self.value(entry, column) is not None for column in self.places)) if marks else (0, 0)

    def value(self, entry: dict, column: str) -> Any:
        """The first value of a column that is there; None where none is."""
        for place in self.places.get(column, ()):
            value = at(entry, place) if isinstance(place, str) else place(entry)
            if not (is_missing(value) or (isinstance(value, (list, dict)) and not value)):
                return value
        return None

    def row(self, entry: dict) -> dict[str, Any]:
        """The columns of an entry, as it writes them; under the contract's own names where this collector has none for it."""
        return {column: self.value(entry, column) for column in self.places} | self.own(entry)

    def own(self, entry: dict) -> dict[str, Any]:
        """What an entry says under names of the contract that mean nothing else here, of columns that it says nowhere else."""
        missing = (name for name in entry.keys() & COLUMNS.keys() if self.value(entry, name) is None)
        return {name: entry[name] for name in missing if not (is_missing(entry[name]) or self.reads(name))}

    def unread(self, entry: dict) -> list[str]:
        """Columns without a value whose place lies in an object that a table's cell holds cut off, or as nobody can read it."""
        broken = tuple(f"{name}." for name, value in entry.items() if written_object(value))
        return [
            column
            for column, places in self.places.items()
            if any(isinstance(place, str) and place.startswith(broken) for place in places) and self.value(entry, column) is None
        ]

    def reads(self, path: str) -> bool:
        """Whether some column is taken from what stands at `path` of an entry, or within it."""
        named = [place for places in self.places.values() for place in places if isinstance(place, str)]
        return any(path == one or one.startswith(f"{path}.") or path.startswith(f"{one}.") for one in (*named, *self.used))


def at(entry: Any, path: str) -> Any:
    """What stands at a path such as `stats.playCount`; None where nothing does."""
    if isinstance(entry, dict) and path in entry:  # a flattened table has the whole path as a name
        return entry[path]
    for name in path.split("."):
        if not isinstance(entry, dict):
            return None
        entry = entry.get(name)
    return entry


def paths(entry: dict, depth: int = 2) -> Iterator[str]:
    """The paths of an entry down to `depth` names; lists are not entered."""
    for name, value in entry.items():
        if isinstance(value, dict) and value and depth > 1:
            yield from (f"{name}.{inner}" for inner in paths(value, depth - 1))
        else:
            yield str(name)


def all_of(*names: str) -> Callable[[dict], list[str] | None]:
    """A place: all of several values, most lasting first."""
    return lambda entry: [value for name in names if not is_missing(value := at(entry, name))] or None


def names_in(path: str, *keys: str) -> Callable[[dict], list[str] | None]:
    """A place: the names in a list of objects (or of names), by the first of `keys` that each has."""

    def names(entry: dict) -> list[str] | None:
        items = at(entry, path)
        if isinstance(items, dict):  # a table's hashtags/0/name
            items = list(items.values())
        if isinstance(items, str):  # a table's ['cat', 'fyp']; what is cut off is no list
            return [tags] if items.strip()[:1] + items.strip()[-1:] == "[]" and (tags := parse_tags(items)) else None
        if not isinstance(items, list):
            return None
        found = [next((item[key] for key in keys if item.get(key)), None) if isinstance(item, dict) else item for item in items]
        return [str(name) for name in found if not is_missing(name)] or None

    return names


def nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """A flattened row as the object it was; empty cells are left out.

    `stats.playCount` and `stats/playCount` are objects in one, and a cell may hold an object or a list as JSON or Python writes it.
    """
    entry: dict[str, Any] = {}
    for name, value in row.items():
        if is_missing(value):
            continue
        *outer, last = str(name).replace("/", ".").split(".")
        inner = entry
        for step in outer:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                break
        if isinstance(inner, dict):
            inner[last] = value.tolist() if type(value).__name__ == "ndarray" else _unwritten(value)
    return entry


def written_object(value: object) -> bool:
    """Whether a value is a text that begins as an object does."""
    return isinstance(value, str) and value.lstrip().startswith("{")


def _unwritten(value: object) -> object:
    """The object or list that a text holds; any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    found = parse_written(value.strip())
    objects = found if isinstance(found, list) else [found]
    return found if objects and all(isinstance(one, dict) and one for one in objects) else value  # a caption may be "[2024]"
