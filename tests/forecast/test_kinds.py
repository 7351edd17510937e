"""Videos that were read before are forecast by members of their own, whatever lies beside them in a table."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from features.targets import Targets
from features.videos import EARLY, PartShape, Videos, unread_and_read
from forecast.contributions import precision_shares
from forecast.draws import draw
from forecast.member import Member, by_kind, in_order
from forecast.mixture import mixture_summary
from forecast.run.configuration import Configuration
from program import SHIPPED, build
from program.linear import Linear


def member(videos: Videos, loc: float) -> Member:
    """Networks beside a linear forecast that stands alone: `loc` and the first number of the part `social`."""
    torch.manual_seed(int(loc))
    shapes = {part: PartShape(videos[part].shape[0]) for part in videos}
    targets = Targets.fit(pd.DataFrame({"a": [1.0, 5.0, 30.0], "b": [2.0, 9.0, 4.0]}), ("a", "b"), "log1p")
    found = Member(SHIPPED, build(shapes, targets, Configuration(width=8, latent=2))).setup(videos).eval()
    found.linear = Linear(shapes, 2)
    found.linear.loc.fill_(loc)
    found.linear.weight[0] = 1.0
    found.linear.factor *= 1e-3
    found.linear.share.fill_(1.0)
    return found


@pytest.fixture
def videos(make_videos) -> Videos:
    return make_videos(700, {"social": 2, EARLY: 1}, targets=2)  # more than are encoded at a time


@pytest.fixture
def both(videos) -> Member:
    found = member(videos, 1.0)
    found.growth = member(videos, 50.0)
    return found


def test_each_kind_is_forecast_by_its_own(videos, both):
    read = videos[EARLY].present
    assert 100 < read.sum() < 600
    expected = torch.where(read, 50.0, 1.0) + torch.where(videos["social"].present, videos["social"].numbers[:, 0], 0.0)
    for samples in (draw([both], videos, 20), draw([both, both], videos, 3)):
        assert samples.shape[1:] == (700, 2)
        assert torch.allclose(samples.mean(0), expected[:, None], atol=0.02)
    np.testing.assert_allclose(mixture_summary([both], videos)["median"], expected[:, None].expand(-1, 2).numpy(), atol=0.02)


def test_what_experts_say_is_that_of_the_kind(videos, both):
    found = precision_shares(SimpleNamespace(members=(both,)), videos)
    for some, one in zip(unread_and_read(videos), (both, both.growth), strict=True):
        with torch.no_grad():
            precisions = one.experts.precisions(some)
        shares = torch.stack([precision / sum(precisions.values()) for precision in precisions.values()]).mean(-1)
        rows = (videos[EARLY].present == some[EARLY].present[0]).numpy()
        for part, share in zip(precisions, shares, strict=True):
            np.testing.assert_allclose(found[part][rows], share, rtol=1e-5)


def test_a_table_of_one_kind_is_not_taken_apart(videos, both):
    unread, read = unread_and_read(videos)
    assert [of_kind for _, of_kind in by_kind([both], unread)] == [[both]]
    assert [of_kind for _, of_kind in by_kind([both], read)] == [[both.growth]]
    assert [len(rows) for rows, _ in by_kind([both], videos)] == [len(unread), len(read)]
    assert by_kind([both.growth], videos) == [(slice(None), [both.growth])]
    assert by_kind([both], videos.rows(slice(0, 0))) == [(slice(None), [both])]


def test_pieces_are_put_in_order():
    kinds = [(torch.tensor([1, 3]), []), (torch.tensor([0, 2]), [])]
    assert in_order([torch.tensor([10, 30]), torch.tensor([0, 20])], kinds).tolist() == [0, 10, 20, 30]
    assert in_order([torch.tensor([[10, 30]]), torch.tensor([[0, 20]])], kinds, dim=1).tolist() == [[0, 10, 20, 30]]
