import math

import numpy as np
import pandas as pd
import pytest
import torch

from features.featurizer import Featurizer
from features.tables.dataset import Dataset
from forecast.adjustments.young import HALF, POWER, SPREAD, shrink
from forecast.shift import shift

DAY = 86_400.0


def test_the_median_share_by_hand():
    torch.manual_seed(0)
    draws = shrink(torch.full((40_001, 1, 1), math.log1p(1000.0)), torch.tensor([1.0]), youngest=2.0)

    def left(half):
        return 1000 * (1 + (half / 2) ** POWER) / (1 + half**POWER)

    # the share falls as h grows, so medians meet
    count = draws.expm1().flatten()
    assert left(HALF) == pytest.approx(1000 * 1.27696 / 1.63195, rel=1e-4)
    assert float((count < left(HALF)).double().mean()) == pytest.approx(0.5, abs=4.3 * 0.5 / math.sqrt(40_001))
    # a standard deviation later
    assert float((count < left(HALF * math.exp(SPREAD))).double().mean()) == pytest.approx(0.1587, abs=4.3 * 0.3654 / math.sqrt(40_001))


def test_shares_are_near_those_of_us_shorts():
    torch.manual_seed(0)
    count = shrink(torch.full((20_000, 1, 1), math.log1p(1e6)), torch.tensor([1.0]), youngest=7.0).expm1().flatten() / 1e6
    for level, share in ((0.1, 0.24), (0.5, 0.594), (0.9, 0.961)):
        assert float(count.quantile(level)) == pytest.approx(share, abs=0.07)


def test_what_is_old_enough_or_of_unknown_age_stays():
    torch.manual_seed(0)
    samples = torch.randn(5, 3, 2)
    assert shrink(samples, torch.tensor([2.0, 7.0, torch.nan]), youngest=2.0) is samples
    changed = shrink(samples, torch.tensor([2.0, 1.0, torch.nan]), youngest=2.0)
    assert torch.equal(changed[:, [0, 2]], samples[:, [0, 2]])
    assert not torch.equal(changed[:, 1], samples[:, 1])


def test_it_starts_at_nothing_and_only_grows_and_targets_share_their_growth():
    ages, now = torch.tensor([0.0, 0.01, 0.1, 1.0, 1.9]), torch.rand(50, 5, 2) * 0 + torch.tensor([3.0, 60.0])
    rows = []
    for age in ages:
        torch.manual_seed(1)
        rows.append(shrink(now[:, :1], age[None], youngest=2.0))
    grown = torch.cat(rows, dim=1)
    assert torch.equal(grown[:, 0], torch.zeros(50, 2)), "also where log(1 + count) is so large that it is log(count)"
    assert bool((grown.diff(dim=1) > 0).all())
    assert bool((grown <= now + 1e-6).all())
    share = grown[:, 1:, 0].double().expm1() / math.expm1(3.0)
    assert torch.allclose((grown[:, 1:, 1] - 60.0).double().exp(), share, rtol=1e-3)


def test_counts_beyond_reason_stay_finite_and_shrink_towards_nothing():
    torch.manual_seed(0)
    now = torch.tensor([-300.0, -30.0, -1.0, 0.0, 1e-3, 30.0, 80.0, 300.0])
    for age in (0.0, 1e-30, 1e-3, 1.999999):
        grown = shrink(now.expand(200, 1, 8), torch.tensor([age]), youngest=2.0)
        assert bool(grown.isfinite().all())
        assert bool((grown.abs() <= now.abs() + 1e-6).all())


def test_a_video_below_the_youngest_learned_from_looks_as_old_as_that():
    generator = np.random.default_rng(0)
    age = generator.uniform(5, 50, 300)
    videos = pd.DataFrame(
        {
            "id": [str(i) for i in range(300)],
            "username": generator.choice(list("abcd"), 300),
            "create_time": 1.6e9 - age * DAY,
            "collected_at": 1.6e9,
            "view_count": generator.poisson(100, 300).astype(float),
        }
    )
    fitted = Featurizer.fit(Dataset(videos), targets=("view_count",))
    assert fitted.youngest == pytest.approx(np.quantile(age, 0.01))
    new = pd.concat([videos.iloc[[0]]] * 2, ignore_index=True)
    new["collected_at"] = new["create_time"] + DAY * np.array([0.5, fitted.youngest])
    seen = fitted.transform(Dataset(new))
    for part in seen.parts.values():
        assert torch.equal(part.numbers[0], part.numbers[1])
    assert seen.age.tolist() == pytest.approx([0.5, fitted.youngest])
    found = shift(fitted, Dataset(new.iloc[[0]]))
    assert found.younger == 1.0
    assert any("younger than what was learned from" in sentence for sentence in found.warnings)
    of_scores = Featurizer.fit(Dataset(videos), targets=("view_count",), target_scale="identity")
    assert of_scores.youngest == 0.0
    assert of_scores.ages_seen == fitted.ages_seen == pytest.approx(np.quantile(age, [0.01, 0.99]))
