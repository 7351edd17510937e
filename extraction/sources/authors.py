"""Who made a video: the most lasting identifier there is, shown by the author's own name where that name is nobody else's."""

from collections import defaultdict
from typing import Any

from features.tables.values import parse_name

FEW = 0.5  # ids for each name, below which they are a collector's constant


def settle_authors(rows: list[dict[str, Any]], identifier: str) -> None:
    """Take `identifier` out of every row, and let `username` be one text for each author, different ones for different authors.

    Names change and are shared, identifiers do not: rows with one identifier are one author, called by the last name that no other
    author has, else by the identifier. Identifiers that hardly tell the names apart (a collector's constant) are passed over, and so is 0.
    A row may have several, most lasting first: they are one author's.
    """
    ids = _first_of_each([_listed(row.pop(identifier, None)) for row in rows])
    names = [parse_name(row.get("username")) for row in rows]
    known = [(one, name) for one, name in zip(ids, names, strict=True) if one is not None and name is not None]
    told = len({name for _, name in known})
    if told > 2 and len({one for one, _ in known}) < FEW * told:
        ids = [None if name is not None else one for one, name in zip(ids, names, strict=True)]
        known = []
    owners: dict[str, set[str]] = defaultdict(set)
    for one, name in known:
        owners[name].add(one)
    called = {one: name for one, name in known if len(owners[name]) == 1}
    for row, lasting, written in zip(rows, ids, names, strict=True):
        row["username"] = written if lasting is None else called.get(lasting, lasting)


def _listed(written: Any) -> list[str]:
    found = map(parse_name, written if isinstance(written, list) else [written])
    return [one for one in found if one is not None and one != "0"]


def _first_of_each(several: list[list[str]]) -> list[str | None]:
    """One identifier a row, the same for rows that share any, or share one with a row that does."""
    same: dict[str, str] = {}

    def root(one: str) -> str:
        while (other := same.get(one, one)) != one:
            one = other
        return one

    for first, *others in filter(None, several):
        for other in others:
            same[root(other)] = root(first)
    return [root(row[0]) if row else None for row in several]
