"""Who made a video: the most lasting identifier there is, shown by the author's own name where that name is nobody else's."""

from collections import defaultdict
from typing import Any

from features.tables.values import parse_name

FEW = 0.5  # ids for each name, below which they are a collector's constant


def settle_authors(rows: list[dict[str, Any]], identifier: str) -> None:
    """Take `identifier` out of every row, and let `username` be one text for each author, different ones for different authors.

    Names change and are shared, identifiers do not: rows with one identifier are one author, called by the last name that no other
    author has, else by the identifier. Identifiers that hardly tell the names apart (a collector's constant) are passed over.
    """
    ids = [parse_name(row.pop(identifier, None)) for row in rows]
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
