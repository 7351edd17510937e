"""What a person gives of one video, in an option or a field of the page, read as a table's cell is."""

from features.tables.columns import COLUMNS
from features.tables.values import LATEST, TEXTS, no_moment, parse_count, parse_number, parse_seconds, parse_text, parse_time
from machine.errors import InputError


def given(column: str, written: str) -> str | float | None:
    """The value of a known column, None where it was left empty, or text that is a word for "missing".

    Raises:
        InputError: it is not what the column holds.
    """
    kind = COLUMNS[column].kind
    if not written.strip():
        return None
    if kind == "text":
        return TEXTS.get(column, parse_text)(written)
    number = parse_seconds(written, commas=True) if kind == "seconds" else parse_count(written)
    if number is None or number < 0:
        raise InputError(f"{written!r} is not {'a length such as 15 or 0:15' if kind == 'seconds' else 'a count such as 12000 or 1.2M'}")
    return number


def moment(written: str) -> float:
    """Seconds since 1970, UTC; times to come are allowed.

    Raises:
        InputError: it is no moment.
    """
    found = parse_time(written)
    if found is None or (not 0 <= found < LATEST and parse_number(written) is None):
        raise InputError(f'{written!r} is not a time such as "2026-12-01 18:00"')
    if parse_number(written) is not None and (why := no_moment(found)):  # a date in words may be any
        raise InputError(f"{written!r} {why}")
    return found
