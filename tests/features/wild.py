"""Tables as the world makes them: hypothesis strategies that write one as csv, jsonl or parquet."""

import csv
import gzip
import io
import json
import os
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = 10_000 if os.environ.get("NIGHTLY") else 300
WILD = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=True)

TEXT_COLUMNS = ("username", "video_description", "hashtag_names", "music_title", "region_code", "language")
TIME_COLUMNS = ("create_time", "collected_at")
COUNT_COLUMNS = ("follower_count", "following_count", "likes_count", "video_count", "view_count", "like_count", "comment_count")
FAULTS = ("nan", "inf", "-inf", "1e400", "-5", "12abc", "TRUE", "0x1F", "1,000", "--", "9" * 40, "\ufffd", "2020-01-01", "٣", "1e19")

# every plane of Unicode, right-to-left text, null characters, line ends and quotes; surrogates appear in json only
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.characters(min_codepoint=0x10000), max_size=4),
    st.sampled_from(
        [
            "",
            " ",
            "\0",
            "a\0b",
            "שלום עולם",
            "\u202eabc",
            "line\nline",
            "line\r\nline",
            'a "quoted" word',
            "@someone hi",
            "x" * 5000,
            "nan",
            "NULL",
        ]
    ),
    st.integers(0, 15).map(lambda plane: chr(min(plane * 0x10000 + 0x1F600, 0x10FFFF))),
    st.integers(0, 3).map(lambda word: f"word{word} dance music fun"),
)
counts = st.one_of(
    st.integers(0, 10_000), st.sampled_from([0, 1, 10**9, 10**18, "", 1.5, "1e18", " 7 ", "-0.0", 1e-320]), st.integers(0, 10**18)
)
times = st.one_of(st.integers(1_500_000_000, 1_600_000_000), st.sampled_from([0, 1, 253_402_300_799, "", 1_600_000_000.5]))
features = st.one_of(st.floats(-5, 5), st.sampled_from(["", 0, 1e18, -1e18, 1e-300, 3]))


@st.composite
def columns(draw: st.DrawFn) -> dict[str, list]:
    """A table as columns of Python values: mostly sane, with constant, empty and faulty columns among them."""
    rows = draw(st.integers(1, 24))
    random = draw(st.randoms(use_true_random=False))
    table: dict[str, list] = {"id": [f"v{row}" for row in range(rows)]}
    if draw(st.integers(0, 9)) == 0:
        table["id"][-1] = draw(st.sampled_from(["v0", "", " ", "v" * 300, "\0", "日本", None]))
    for names, cells in ((TEXT_COLUMNS, texts), (TIME_COLUMNS, times), (COUNT_COLUMNS, counts)):
        for name in draw(st.lists(st.sampled_from(names), unique=True, min_size=1)):
            palette = draw(st.lists(cells, min_size=1, max_size=5))
            if draw(st.integers(0, 7)) == 0:
                palette = [""]
            table[name] = [random.choice(palette) for _ in range(rows)]
    if draw(st.integers(0, 5)) == 0:
        table[draw(st.sampled_from(COUNT_COLUMNS + TIME_COLUMNS))] = [draw(st.sampled_from(FAULTS))] * rows
    return table


def write_csv(path: Path, table: dict[str, list], end: str, mark: bool, ragged: bool) -> None:
    """A csv with these line ends, maybe a byte-order mark, maybe one cell too many in the last row."""
    rows = [list(table), *(list(row) for row in zip(*table.values(), strict=True))]
    if ragged:
        rows[-1].append("extra")
    out = io.StringIO()
    for number, row in enumerate(rows):
        csv.writer(out, lineterminator=end if end != "mixed" else ("\n", "\r\n")[number % 2]).writerow(
            ["" if cell is None else cell for cell in row]
        )
    content = (b"\xef\xbb\xbf" if mark else b"") + out.getvalue().encode("utf-8")
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)


def write(directory: Path, table: dict[str, list], draw: st.DrawFn) -> Path:
    """Write `table` in a drawn format as the videos file of `directory`."""
    kind = draw(st.sampled_from(["csv", "csv.gz", "jsonl", "parquet"]))
    path = directory / f"videos.{kind}"
    if kind.startswith("csv"):
        write_csv(path, table, draw(st.sampled_from(["\n", "\r\n", "\r", "mixed"])), draw(st.booleans()), draw(st.integers(0, 19)) == 0)
    elif kind == "jsonl":
        strange = draw(st.sampled_from([None, None, None, "\ud800", [1, 2], {"deep": [{}]}, True, 10**30, float("nan")]))
        records = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        if strange is not None:
            records[-1][draw(st.sampled_from(list(table)))] = strange
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    else:
        frame = pd.DataFrame(
            {name: pd.Series([None if cell == "" else cell for cell in cells], dtype=object) for name, cells in table.items()}
        )
        for name in set(frame) - {"id"}:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            as_numbers = name in COUNT_COLUMNS + TIME_COLUMNS and (numbers.notna() | frame[name].isna()).all()
            frame[name] = numbers if as_numbers else frame[name].map(lambda cell: None if cell is None else str(cell))
        if draw(st.integers(0, 9)) == 0:
            flag, name = draw(st.sampled_from([True, [1], pd.Timestamp(2020, 1, 1)])), draw(st.sampled_from(COUNT_COLUMNS))
            frame[name] = [flag] * len(frame)
        frame.to_parquet(path)
    return path
