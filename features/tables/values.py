"""Numbers as sites and collectors write them."""

import math
import re
from datetime import UTC, datetime

SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9}
LARGEST = 1e18  # nothing is counted beyond
WRITTEN = re.compile(r"([+-]?)(\d{1,3}(?:[ ,_']\d{3})+|\d+|)(?:([.,])(\d+))?\s*([kmbg]?)\+?", re.IGNORECASE)


def parse_count(value: object) -> float | None:
    """A count: 1200, "1200", "1,200", "1.2K", "1.2M", "1,2M", "3B"; None if it is not one."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) and abs(value) > LARGEST:
        return None
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) and abs(value) <= LARGEST else None
    match = WRITTEN.fullmatch(str(value).strip())
    if match is None:
        return None
    sign, whole, mark, part, scale = match.groups()
    if not (whole or part) or (mark == "," and not scale):
        return None
    number = float(sign + re.sub(r"\D", "", whole) + "." + (part or "0")) * SCALE[scale.lower()]
    if abs(number) > LARGEST:
        return None
    # what is shown with a letter is rounded, so the product is a whole number
    return float(round(number)) if scale else number


def parse_time(value: object) -> float | None:
    """A moment in seconds since 1970, UTC: a number, its text, or an ISO 8601 date; None if it is neither."""
    number = parse_count(value)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
