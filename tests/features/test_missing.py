"""What training rows lose, so that a forecast that lacks it is nothing new."""

import torch

from features.missing import HISTORY, leave_out
from features.videos import EARLY


def test_of_videos_that_were_read_a_share_has_nothing_else(make_videos):
    videos = make_videos(4000, {"social": 2, "words": 1, EARLY: 1}, missing=0.5)
    read = videos[EARLY].present
    torch.manual_seed(0)
    found = leave_out(videos, 0.0, 0.0, others_share=0.4)
    assert torch.equal(found[EARLY].present, read)
    gone = [videos[part].present & ~found[part].present for part in ("social", "words")]
    either = videos["social"].present & videos["words"].present
    assert torch.equal(gone[0][either], gone[1][either])
    for part, lost in zip(("social", "words"), gone, strict=True):
        assert not lost[~read].any()
        share = lost[read & videos[part].present].float().mean()
        assert abs(float(share) - 0.4) < 0.07  # four and a half standard errors of a thousand rows
    untouched = leave_out(videos, 0.0, 0.0)
    assert all(torch.equal(untouched[part].present, videos[part].present) for part in videos)


def lost(before, after, *parts, share):
    """Whether of the videos with all of `parts` that share lost them all, to 4.3 standard errors: missed once in 50,000 seeds."""
    had, has = (torch.stack([videos[part].present for part in parts]) for videos in (before, after))
    gone = (~has).all(0)[had.all(0)].double()
    return abs(float(gone.mean()) - share) < 4.3 * (share * (1 - share) / len(gone)) ** 0.5


def test_each_part_goes_on_its_own_in_its_share_of_rows(make_videos):
    videos = make_videos(20_000, {"social": 2, HISTORY: 1, EARLY: 1}, missing=0.1)
    torch.manual_seed(1)
    found = leave_out(videos, 0.2, 0.0)
    assert lost(videos, found, "social", share=0.2)
    assert lost(videos, found, HISTORY, share=0.2)
    assert lost(videos, found, "social", HISTORY, share=0.2 * 0.2)
    assert torch.equal(found[EARLY].present, videos[EARLY].present)
    assert not (found["social"].present & ~videos["social"].present).any()


def test_with_its_author_a_video_loses_the_history_alone(make_videos):
    videos = make_videos(20_000, {"social": 2, HISTORY: 1, EARLY: 1}, missing=0.1)
    torch.manual_seed(2)
    found = leave_out(videos, 0.0, 0.3)
    assert lost(videos, found, HISTORY, share=0.3)
    assert all(torch.equal(found[part].present, videos[part].present) for part in ("social", EARLY))
    assert lost(videos, leave_out(videos, 0.2, 0.3), HISTORY, share=1 - 0.8 * 0.7)
