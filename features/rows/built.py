"""What a run is built from: every part with its rows, or why there is none, so that nobody need look for a part that is missing."""

from collections.abc import Collection

from features.followed.looks import read_again
from features.parts.text import captions
from features.tables.columns import AUTHOR_COUNTS, CAPTION
from features.tables.dataset import Dataset
from features.videos import Videos

NEEDS = {"history": ("username",), "sound": ("music_title",), "words": CAPTION, "textual": CAPTION}  # any one of them
TIMES = ("create_time", "collected_at", "video_duration")


def built(dataset: Dataset, videos: Videos, left_out: Collection[str] = (), *, counts: bool = True) -> dict[str, str]:
    """One sentence a part.

    Args:
        dataset: the rows that were learned from.
        videos: what became of them, N labelled rows, or looks at videos that were read several times.
        left_out: parts that were not wanted.
        counts: the targets are counts, which grow, and no scores.

    Returns:
        By part, those of `videos` first: how many of the N have it, and how many numbers it is; or why there is none.
    """
    rows = f"{len(videos):,} looks at {len(dataset):,} videos" if len(videos) > len(dataset) else f"{len(videos):,} rows"
    found = {name: f"{int(part.present.sum()):,} of {rows}, {_width(*part.shape)}" for name, part in videos.items()}
    for name in dataset.parts:
        if name not in found:
            found[name] = f"none: {'left out, as asked for' if name in left_out else _why(name, dataset, counts=counts)}"
    return found


def _width(numbers: int, codes: int) -> str:
    return f"{numbers} number{'s' * (numbers != 1)}" + (f" and {codes} categor{'ies' if codes != 1 else 'y'}" if codes else "")


def _why(name: str, dataset: Dataset, *, counts: bool) -> str:
    """What the table lacks."""
    videos = dataset.videos
    if name == "social":
        return f"no column {', '.join((*AUTHOR_COUNTS, *TIMES)[:-1])} or {TIMES[-1]}"
    if name in NEEDS:
        columns = [column for column in NEEDS[name] if column in videos]
        if not columns:
            return f"no column {' or '.join(NEEDS[name])}"
        if name in ("words", "textual") and not any(text.strip() for text in captions(videos)):
            return f"no text in {' or '.join(columns)}"
    if name == "early" and dataset.readings is not None and dataset.readings["id"].duplicated().any():
        if read_again(dataset):
            return "the run that it goes on from was trained without readings" if counts else "only counts are followed"
        return "no column create_time"
    return {
        "early": "no video was read more than once",
        "history": "no author has two videos",
        "sound": "no two authors used one sound",
        "words": "no two authors share a word",
        "textual": "too few captions to learn words from",
    }.get(name, "not one number is known")
