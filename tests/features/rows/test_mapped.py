"""Videos in mapped files come back equal, also written in pieces."""

import pytest
import torch

from features.rows import mapped
from machine.errors import InputError


def test_pieces_come_back_as_one(make_videos, tmp_path):
    videos = make_videos(23)
    mapped.write(tmp_path / "rows", videos.split(10))
    found = mapped.read(tmp_path / "rows")
    assert list(found) == list(videos)
    torch.testing.assert_close(found.popularity, videos.popularity, rtol=0, atol=0)
    for name, part in videos.items():
        for kind in mapped.KINDS:
            torch.testing.assert_close(getattr(found[name], kind), getattr(part, kind), rtol=0, atol=0, check_dtype=kind != "codes")


def test_changing_a_mapped_tensor_leaves_the_file_alone(make_videos, tmp_path):
    videos = make_videos(5)
    mapped.write(tmp_path / "rows", [videos])
    mapped.read(tmp_path / "rows").popularity.zero_()
    torch.testing.assert_close(mapped.read(tmp_path / "rows").popularity, videos.popularity)


def test_a_failure_leaves_nothing_behind(make_videos, tmp_path):
    def broken():
        yield make_videos(5)
        raise InputError("row 6 is bad")

    with pytest.raises(InputError, match="row 6"):
        mapped.write(tmp_path / "rows", broken())
    assert list(tmp_path.iterdir()) == []


def test_a_short_file_is_refused(make_videos, tmp_path):
    mapped.write(tmp_path / "rows", [make_videos(5)])
    (tmp_path / "rows" / "popularity").write_bytes(b"1234")
    with pytest.raises(InputError, match="damaged"):
        mapped.read(tmp_path / "rows")
