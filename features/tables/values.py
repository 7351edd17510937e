"""One value as sites, collectors, spreadsheets and people write it: what it is, or None if it is not that."""

import ast
import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from numbers import Real
from typing import Any

EARLIEST = 1_104_537_600.0  # 2005, before the first site for videos
LATEST = 253_402_300_799.0  # the last second of the year 9999
LARGEST_COUNT = 1e18  # nothing is counted beyond
EXACT = 2**53  # whole numbers beyond it are rounded where they are stored as floats
WORDS = ("na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none", "undefined", "\\n", "-", "--", "–", "—")
MISSING = frozenset(("", *WORDS, "#value!", "#ref!", "#div/0!", "#name?", "#num!", "#null!"))  # in small letters
SCALE = {"": 1.0, "k": 1e3, "tsd": 1e3, "тыс": 1e3, "mil": 1e3, "m": 1e6, "mio": 1e6, "mln": 1e6, "млн": 1e6, "b": 1e9, "g": 1e9}
SCALE |= {"mrd": 1e9, "bn": 1e9, "млрд": 1e9, "万": 1e4, "萬": 1e4, "만": 1e4, "千": 1e3, "천": 1e3, "億": 1e8, "亿": 1e8, "억": 1e8}
THINGS = ("view", "views", "play", "plays", "like", "likes", "comment", "comments", "share", "shares", "follower", "followers", "videos")
BLANK = r"[ \u00a0\u2009\u202f]"
GROUPS = {  # of three digits each, by what stands between them; India's of two before the last three
    "blank": rf"\d{{1,3}}(?:{BLANK}\d{{3}})+",
    "apostrophe": r"\d{1,3}(?:['’`_]\d{3})+",
    "comma": r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}",
    "point": r"[1-9]\d{0,2}(?:\.\d{3})+",
}
WRITTEN = re.compile(
    rf"([+-]?)(?:({'|'.join(GROUPS.values())}|\d*)(?:([.,])(\d+))?){BLANK}*({'|'.join(map(re.escape, SCALE))})\.?\+?", re.I
)
UNIT = re.compile(rf"(.*\S)\s+(?:{'|'.join(THINGS)})", re.IGNORECASE)
ISO_LENGTH = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
MARKS = re.compile(r"[,;|]|(?<![^\s,;|])#(?=\w)")
CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing, or a word that stands for nothing."""
    if isinstance(value, str):
        return value.strip().casefold() in MISSING
    if value is None or type(value).__name__ == "NAType":
        return True
    return _is_scalar(value) and bool(value != value)


def _is_scalar(value: object) -> bool:
    """Whether a cell is a number or a moment; numpy and pandas are known by name, since commands that only print help do without them."""
    return isinstance(value, (Real, Decimal, date)) or type(value).__name__ in ("datetime64", "timedelta64", "NaTType")


def is_number(value: object) -> bool:
    """Whether a value is a number by its type; a truth is none."""
    return isinstance(value, (Real, Decimal)) and not isinstance(value, bool)


def parse_number(value: object, *, commas: bool = False) -> float | None:
    """A finite number, or its text as programs write it; None if it is not one. With `commas` they are decimal marks."""
    if commas and isinstance(value, str):
        value = value.replace(",", ".")
    if isinstance(value, bool) or not isinstance(value, (str, Real, Decimal)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not (isinstance(value, str) and "_" in value) else None


def parse_count(value: object, *, points: bool = True) -> float | None:
    """A count: 1200, "1200.0", "1,200", "1 200", "1'200", "1.200", "1.2K", "1,2 Mio.", "1.2万", "1,520 views"; None if it is not one.

    Args:
        value: as it was written.
        points: a point may stand between groups of three digits, as in "12.345". Counts are whole, so it means nothing else in one;
            whether a column is so written is a question for the column (see `features.tables.judge`).
    """
    if not isinstance(value, str):
        number = parse_number(value)
        return number if number is not None and abs(number) <= LARGEST_COUNT and number.is_integer() else None
    text = value.strip()
    unit = UNIT.fullmatch(text)
    match = WRITTEN.fullmatch(unit[1] if unit else text)
    if match is None:
        number = parse_number(text)  # 1e6
        return number if number is not None and abs(number) <= LARGEST_COUNT and number.is_integer() else None
    sign, whole, mark, part, letter = match.groups()
    scale = SCALE[letter.lower()]
    if not (whole or part) or (mark and mark in whole):
        return None
    if not points and not letter and "." in whole:
        return None
    if letter and "." in whole and whole.count(".") == 1 and mark is None:  # 1.234 M
        whole, part = whole.split(".")
    digits = re.sub(r"\D", "", whole)
    number = float(f"{sign}{digits or 0}.{part or 0}") * scale
    if abs(number) > LARGEST_COUNT:
        return None
    if letter:  # what is shown with a letter is rounded, so the product is a whole number
        return float(round(number))
    return number if number.is_integer() else None


def parse_time(value: object) -> float | None:
    """A moment in seconds since 1970, UTC: a number, its text, an ISO 8601 date, or a date's own type; None if it is none of them.

    A moment without a zone is in UTC. Whether a number can be a moment is for `features.tables.judge` to say.
    """
    if type(value).__name__ == "datetime64":
        value = value.astype("datetime64[us]").item()  # type: ignore[attr-defined]
    if is_missing(value):
        return None
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    number = parse_number(value)
    if number is not None or not isinstance(value, str):
        return number
    text = re.sub(r"\s*(?:UTC|GMT)$", "+00:00", value.strip())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def no_moment(number: float, last: float = LATEST) -> str | None:
    """Why a number cannot be seconds since 1970 at which a video was published or read; None if it can.

    Args:
        number: what was written.
        last: seconds since 1970 after which none can be.
    """
    if EARLIEST <= number <= last:
        return None
    if 18_000_000 < number < 22_000_000 and float(number).is_integer():
        return "is a date written as a number, not seconds since 1970 (write it as 2024-03-01)"
    if 15_000 < number < 100_000:
        return "is a spreadsheet's number of days, not seconds since 1970 (write dates as 2024-03-01 12:00)"
    for factor, unit in ((1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")):
        if EARLIEST * factor <= number <= 4e9 * factor:
            return f"is in {unit}, not in seconds since 1970"
    if number < EARLIEST:
        return "is before 2005 (seconds since 1970 are expected)"
    return f"is later than {'the year 9999' if number > LATEST else 'tomorrow'} (seconds since 1970 are expected)"


def parse_seconds(value: object, *, commas: bool = False) -> float | None:
    """A length in seconds: a number, its text, "0:15", "1:02:03", or ISO 8601's "PT1M15S"; None if it is none of them.

    With `commas` they are decimal marks.
    """
    if isinstance(value, str):
        text = value.strip()
        if clock := CLOCK.fullmatch(text):
            hours, minutes, seconds = (float(part or 0) for part in clock.groups())
            return 3600 * hours + 60 * minutes + seconds
        if len(text) > 2 and text[-1] != "T" and (length := ISO_LENGTH.fullmatch(text)):
            days, hours, minutes, seconds = (float(part or 0) for part in length.groups())
            return 86_400 * days + 3600 * hours + 60 * minutes + seconds
    return parse_number(value, commas=commas)


def parse_id(value: object) -> str | None:
    """An identifier as text, None where missing; whole numbers without a decimal point, no blanks or spreadsheets' marks around it."""
    text = (parse_text(value) or "").strip()
    if match := re.fullmatch(r"=\"(.*)\"|'(\d+)", text):
        text = match[1] or match[2] or ""
    return (text[:-2] if re.fullmatch(r"\d+\.0", text) else text) or None


def parse_text(value: Any) -> str | None:
    """Text, None where missing; whole numbers without a decimal point, lists joined by blanks, half characters (surrogates) replaced."""
    if _is_list(value):
        return " ".join(str(item) for item in value) or None
    if isinstance(value, str) and not value.strip():
        return value or None  # an author or a caption of blanks is odd, and not nobody's
    if is_missing(value):
        return None
    number = parse_number(value) if is_number(value) else None
    if number is not None and number.is_integer() and abs(number) < EXACT:
        value = int(number)
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.encode("utf-8", "replace").decode("utf-8") or None


def parse_name(value: Any) -> str | None:
    """An author as text without blanks around it, None where missing: `alice` and `alice ` are one."""
    text = parse_text(value)
    return text and (text.strip() or text)


def parse_tags(value: Any) -> str | None:
    """Tags separated by blanks, from text, a list, a list of objects with a name, or a list written as text; None where there are none."""
    if isinstance(value, str):
        listed = _written_list(value.strip())
        if listed is None:
            return parse_text(value)
        value = listed
    if isinstance(value, dict):
        value = [value]
    if not _is_list(value):
        return parse_text(value)
    return parse_text(" ".join(_names(value)))


def parse_hashtags(value: Any) -> str | None:
    """Tags, in which commas and the like can only stand between two, and which are written without #; None where there are none."""
    text = parse_tags(value)
    if text is None or not MARKS.search(text):
        return text
    words = re.sub(r"(?:^|(?<=[\s,;|]))#\S+", lambda tag: re.sub(r"#(?=\w)", " ", tag[0]), text)  # #a#b is two, C# is one
    return " ".join(MARKS.sub(" ", words).split()) or None


def parse_written(text: str) -> Any:
    """The value that JSON or Python wrote as this text; None where neither can read it."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple, set)) or type(value).__name__ == "ndarray"


def _names(items: Iterable) -> list[str]:
    names = []
    for item in items:
        if isinstance(item, dict):
            keys = ("name", "title", "hashtagName", "hashtag_name", "tag", "text", "hashtag")
            item = next((item[key] for key in keys if item.get(key)), None)
        name = parse_text(item)
        if name is not None:
            names.append(name.strip())
    return names


def _written_list(text: str) -> list | None:
    """What a list written as text holds: by Python, by JSON, by numpy (no commas) or by PostgreSQL ({a,b}); None if it is no list."""
    if len(text) < 2 or (text[0], text[-1]) not in (("[", "]"), ("(", ")"), ("{", "}")):
        return None
    value = parse_written(text)
    if isinstance(value, dict):
        return [value]
    # numpy's 'a' 'b' is one word to Python
    if isinstance(value, (list, tuple, set)) and not re.search(r"['\"]\s+['\"]", text):
        return list(value)
    if text[0] == "(":
        return None
    quoted = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", text)
    if quoted:
        return [one or other for one, other in quoted]
    return [item.strip() for item in text[1:-1].split(",")] if text[0] == "{" or "," in text or text == "[]" else None


TEXTS: dict[str, Callable[[Any], str | None]] = {  # all others: parse_text
    "username": parse_name,
    "hashtag_names": parse_hashtags,
    "suggested_words": parse_tags,
}
