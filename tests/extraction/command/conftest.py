import shutil

import pandas as pd
import pytest

from extraction.simulated_clips import simulate
from tests.extraction.command.commands import extract, options


@pytest.fixture(scope="package")
def source(tmp_path_factory):
    """Ten videos: seven good clips, one of them twice, one broken, one missing, one without a file."""
    folder = tmp_path_factory.mktemp("source")
    simulate(folder, 7)
    shutil.copy(folder / "clips" / "00000.mp4", folder / "clips" / "again.mp4")
    (folder / "clips" / "broken.mp4").write_text("this is not a video")
    table = pd.read_csv(folder / "videos.csv", dtype=str)
    row = table.iloc[0].to_dict()
    more = [("again", "clips/again.mp4"), ("broken", "clips/broken.mp4"), ("missing", "clips/none.mp4"), ("bare", None)]
    rows = pd.DataFrame([{**row, "id": name, "video_path": path} for name, path in more])
    pd.concat([rows.iloc[1:2], table, rows.iloc[[0, 2, 3]]]).to_csv(folder / "videos.csv", index=False)
    return folder


@pytest.fixture(scope="package")
def extracted(source, weights, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "one"
    done = extract(*options(source, out, weights))
    return out, done
