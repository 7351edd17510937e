"""Known videos, written in every supported way, are read back to exactly those videos: separators, encodings, numbers, dates, lists, ids,
words for missing values, nesting, collectors.
"""

import csv
import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.sources.read import read_source
from features.tables.dataset import read_dataset
from tests.extraction.sources.collected import COLLECTORS, LACKING, same_videos, shaped, videos
from tests.features.wild import WILD

HALF = settings(WILD, max_examples=WILD.max_examples // 2)
COUNTS = ("view_count", "like_count", "comment_count", "share_count")
GROUPED = {"comma": ",", "blank": " ", "narrow": "\u202f", "hard": "\u00a0", "apostrophe": "'", "point": "."}
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "-", "\\N", "#N/A")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text
)


@st.composite
def known(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Videos with drawn counts and captions."""
    made = videos(draw(st.integers(1, 6)), first=draw(st.integers(0, 50)))
    for video in made:
        video |= {name: draw(st.integers(0, 10**10)) for name in COUNTS}
        video["video_description"] = draw(
            st.sampled_from(['a "quoted", one', "two; three\tfour", "line\nline", "日本 #fyp", "it's"])
        ) + draw(TEXTS)
    return made


def number(value: int, style: str, draw: st.DrawFn) -> str:
    if style in GROUPED:
        return f"{value:,}".replace(",", GROUPED[style])
    return {"plain": f"{value}", "float": f"{value}.0", "padded": f" {value} "}[style]


def moment(seconds: int, style: str) -> str:
    at = pd.Timestamp(seconds, unit="s", tz="UTC")
    return {
        "seconds": str(seconds),
        "blank": at.strftime("%Y-%m-%d %H:%M:%S"),
        "zulu": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "zone": at.tz_convert("Asia/Kolkata").isoformat(),
        "pandas": str(at),
    }[style]


def tags(text: str, style: str) -> str:
    words = text.split()
    return {
        "words": text,
        "python": str(words),
        "json": json.dumps(words),
        "numpy": str(np.array(words)),
        "postgres": "{" + ",".join(words) + "}",
    }[style]


def table_of(made: list[dict[str, Any]], draw: st.DrawFn) -> list[list[str]]:
    """Header and rows of text."""
    numbers, moments = (
        draw(st.sampled_from([*GROUPED, "plain", "float", "padded"])),
        draw(st.sampled_from(["seconds", "blank", "zulu", "zone", "pandas"])),
    )
    listed, missing = draw(st.sampled_from(["words", "python", "json", "numpy", "postgres"])), draw(st.sampled_from(MISSING))
    written: list[list[str]] = [list(made[0])]
    for video in made:
        row = []
        for name, value in video.items():
            if value is None:
                row.append(missing)
            elif name in COUNTS:
                row.append(number(value, numbers, draw))
            elif name == "create_time":
                row.append(moment(value, moments))
            else:
                row.append(tags(value, listed) if name == "hashtag_names" else str(value))
        written.append(row)
    if draw(st.booleans()):
        written[0] = [name.upper() for name in written[0]]
    if draw(st.booleans()):
        written = [[*row, "", ""] for row in written]
    return written


def csv_file(folder: Path, rows: list[list[str]], draw: st.DrawFn) -> Path:
    separator, encoding = draw(st.sampled_from([",", ";", "\t", "|"])), draw(st.sampled_from(ENCODINGS))
    out = io.StringIO()
    if draw(st.booleans()):
        out.write(f"sep={separator}\r\n")
    csv.writer(out, delimiter=separator, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))).writerows(rows)
    content = out.getvalue().encode(encoding)
    packing = draw(st.sampled_from(["", ".gz", ".zip"]))
    path = folder / f"videos.csv{packing}"
    if packing == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("videos.csv", content)
    else:
        path.write_bytes(gzip.compress(content, 1) if packing else content)
    return path


def parquet_file(folder: Path, made: list[dict[str, Any]], draw: st.DrawFn) -> Path:
    frame = pd.DataFrame(made)
    frame["create_time"] = (
        pd.to_datetime(frame["create_time"], unit="s", utc=draw(st.booleans())) if draw(st.booleans()) else frame["create_time"]
    )
    if draw(st.booleans()):
        frame["hashtag_names"] = frame["hashtag_names"].str.split()
    if draw(st.booleans()):
        frame["id"] = frame["id"].astype("int64")
    if draw(st.booleans()):
        frame["unknown"] = [{"deep": [1, 2], "er": {"x": "y"}}] * len(frame)
    path = folder / "videos.parquet"
    (frame.set_index("id") if draw(st.booleans()) else frame).to_parquet(path)
    return path


@HALF
@given(st.data())
def test_a_table_written_in_any_way_is_read_back(data):
    made = data.draw(known())
    lost = data.draw(st.sampled_from([None, *COUNTS, "username"]))
    rows = [video | {lost: None} if lost and data.draw(st.booleans()) else video for video in made]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kind = data.draw(st.sampled_from(["csv", "csv", "parquet", "jsonl"]))
        if kind == "csv":
            path = csv_file(folder, table_of(rows, data.draw), data.draw)
        elif kind == "parquet":
            path = parquet_file(folder, rows, data.draw)
        else:
            path = folder / "videos.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        found = read_source(path).videos if data.draw(st.booleans()) else read_dataset(path).videos
        same_videos(found, rows, set())


@HALF
@given(st.data())
def test_whatever_a_collector_writes_is_read_back(data):
    made = data.draw(known())
    kinds = data.draw(st.lists(st.sampled_from(list(COLLECTORS)), min_size=1, max_size=3, unique=True))
    share = np.array_split(np.arange(len(made)), len(kinds))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lacking: set[str] = set()
        for kind, rows in zip(kinds, share, strict=True):
            if len(rows):
                shape = data.draw(st.sampled_from(["list", "page", "pages", "lines", "items"]))
                text = shaped([COLLECTORS[kind](made[row]) for row in rows], shape)
                (folder / f"{kind[:3]}-{rows[0]}.{'jsonl' if shape == 'lines' else 'json'}").write_text(text)
                lacking |= LACKING.get(kind, set())
        same_videos(read_source(folder).videos, made, lacking)
