"""Videos in mapped files come back equal, also written in pieces."""

from dataclasses import replace

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


def test_what_few_known_videos_tell_comes_back_beside_a_part_of_the_same_name(make_videos, tmp_path):
    videos = make_videos(7, {"few_known": 4, "history": 4})
    both = replace(videos, few_known=make_videos(7, {"history": 4}, seed=1)["history"])
    for name, written in (("both", both), ("part", videos)):
        mapped.write(tmp_path / name, written.split(3))
        found = mapped.read(tmp_path / name)
        assert list(found) == ["few_known", "history"]
        torch.testing.assert_close(found["few_known"].numbers, videos["few_known"].numbers, rtol=0, atol=0)
        assert (found.few_known is None) == (written.few_known is None)
    torch.testing.assert_close(mapped.read(tmp_path / "both").few_known.numbers, both.few_known.numbers, rtol=0, atol=0)


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
