"""Features of a part that may be missing together, also where training rows have them all."""

from collections.abc import Sequence

from features.parts import social
from features.parts.text import LENGTH


def optional(part: str, features: Sequence[str]) -> list[list[int]]:
    """Positions of features that go missing together, one list for each column they need. Other parts are there or missing as a whole."""
    if part == "textual":
        return [[place] for place, name in enumerate(features) if name.startswith(LENGTH)]
    return social.optional(features) if part == "social" else []
