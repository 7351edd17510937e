"""What training rows lose, so that a forecast that lacks it is nothing new."""

import torch

from features.missing import leave_out
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
