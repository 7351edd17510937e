"""What other tools write goes through extract, train and evaluate: a yt-dlp folder, a Research API file, a TikTokApi file."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import evaluate
import extract
import train

VIDEOS, AUTHORS, NOW = 120, 12, 1_700_000_000
FOLLOWERS = np.random.default_rng(1).lognormal(9, 2, AUTHORS).astype(int).tolist()


def counts(number: int) -> tuple[int, int, int, int]:
    """Views, likes, comments and shares that grow with the author's followers."""
    noise = np.random.default_rng(number).lognormal(0, 0.5, 4)
    return tuple(int(FOLLOWERS[number % AUTHORS] * share * noise[k]) for k, share in enumerate((1.0, 0.1, 0.01, 0.02)))


def ytdlp(folder: Path) -> Path:
    for number in range(VIDEOS):
        views, likes, comments, shares = counts(number)
        info = {"id": str(number), "_type": "video", "description": f"video #{number % 7} #fun", "uploader": f"author{number % AUTHORS}"}
        info |= {"timestamp": NOW - 86_400 * (1 + number % 30), "epoch": NOW, "duration": 5 + number % 50, "track": "original sound"}
        info |= {"view_count": views, "like_count": likes, "comment_count": comments, "repost_count": shares}
        (folder / f"clip [{number}].info.json").write_text(json.dumps(info))
    return folder


def research_api(folder: Path) -> Path:
    videos = []
    for number in range(VIDEOS):
        views, likes, comments, shares = counts(number)
        published = NOW - 86_400 * (1 + number % 30)  # which the ids of TikTok carry
        video = {"id": (published << 32) + number, "username": f"author{number % AUTHORS}", "create_time": published}
        video |= {"video_description": f"video {number % 7}", "hashtag_names": ["fun", f"tag{number % 5}"], "region_code": "US"}
        videos.append(video | {"view_count": views, "like_count": likes, "comment_count": comments, "share_count": shares})
    (folder / "answer.json").write_text(json.dumps({"data": {"videos": videos, "has_more": False}, "error": {"code": "ok"}}))
    return folder / "answer.json"


def tiktokapi(folder: Path) -> Path:
    videos = []
    for number in range(VIDEOS):
        views, likes, comments, shares = counts(number)
        author = {"author": {"uniqueId": f"author{number % AUTHORS}"}, "authorStats": {"followerCount": FOLLOWERS[number % AUTHORS]}}
        stats = {"stats": {"playCount": views, "diggCount": likes, "commentCount": comments, "shareCount": shares}}
        about = {"id": str(number), "desc": f"video {number % 7} #fun", "createTime": str(NOW - 86_400 * (1 + number % 30))}
        videos.append(about | author | stats | {"music": {"title": f"song {number % 9}"}, "video": {"duration": 5 + number % 50}})
    (folder / "videos.json").write_text(json.dumps(videos))
    return folder / "videos.json"


@pytest.mark.slow
@pytest.mark.parametrize("write", [ytdlp, research_api, tiktokapi])
def test_from_a_foreign_source_to_scores(write, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture, unrendered: None) -> None:
    (tmp_path / "source").mkdir()
    source, data, run = write(tmp_path / "source"), tmp_path / "data", tmp_path / "run"
    extract.main(["--videos", str(source), "--out", str(data)])
    train.main(["--data", str(data), "--run", str(run), *small])
    said = capsys.readouterr().out
    assert all(re.search(rf" {part} +108 of 108 rows", said) for part in ("social", "history")), said
    evaluate.main(["--run", str(run), "--samples", "50"])
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert list(metrics["targets"]) == ["view_count", "like_count", "comment_count", "share_count"]
    assert metrics["rows"] == VIDEOS // 10
    assert np.isfinite([scores["crps"] for scores in metrics["targets"].values()]).all()
    assert (run / "evaluation" / "report.html").stat().st_size > 10_000
