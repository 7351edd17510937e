import math
from dataclasses import replace

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from scipy import stats

from features.missing import Absences, absences, strangers, without_columns
from features.videos import Gap, Part, PartShape, Videos
from forecast.adjustments.calibration import ENDS, FEWEST, HALVES, Calibration, calibrate, conformal, extrapolate, needed
from forecast.member import Member
from forecast.mixture import mixture_summary
from model.likelihood import NanMasked
from tests.conftest import member_of


def rows_of(median: np.ndarray, below: np.ndarray, above: np.ndarray) -> dict[str, np.ndarray]:
    return {"median": median, "lower_95": median - below, "upper_95": median + above}


def stretch(rows: dict[str, np.ndarray], truth: np.ndarray) -> np.ndarray:
    return conformal(needed(rows, truth))


def stretched(members: list[Member], videos: Videos, draws: int, calibration: Calibration, absent: Absences) -> dict[str, np.ndarray]:
    """Calibrated ends and median of every video; strangers are those whose author's parts are missing."""
    found = mixture_summary(members, videos, draws, levels=ENDS)
    samples = torch.from_numpy(np.stack([found[name] for name in ENDS]))  # of three values the middle one is the median
    return dict(zip(ENDS, calibration.apply(samples, strangers(videos), absent).numpy(), strict=True))


def both(*values: float) -> np.ndarray:
    """The same stretches below and above."""
    return np.array([values, values])


def test_stretch_by_hand() -> None:
    # 99 rows at distances 0.01, 0.02, ..., 0.99 on both sides: too few for halves of their own; the rank is ceil(0.95 * 100) = 95
    distance = np.arange(1, 100) / 100
    truth = np.where(np.arange(99) % 2, 1.0, -1.0) * distance
    rows = rows_of(np.zeros((99, 1)), np.full((99, 1), 0.5), np.full((99, 1), 0.5))
    assert stretch(rows, truth[:, None]) == pytest.approx(both(0.95 / 0.5))


def test_each_side_is_measured_by_its_own_half() -> None:
    truth = np.concatenate([np.full(50, 2.0), np.full(49, -1.0)])[:, None]
    rows = rows_of(np.zeros((99, 1)), np.full((99, 1), 0.25), np.full((99, 1), 1.0))
    # above: 2 / 1; below: 1 / 0.25 is more
    assert stretch(rows, truth) == pytest.approx(both(4.0))


def test_no_half_reaches_below_what_was_read() -> None:
    # median 4, interval 1 to 5: 3 was read, so that the lower half is 1 long; the second video's median lies below what was read
    rows = rows_of(np.array([[4.0], [2.0], [4.0]]), np.full((3, 1), 3.0), np.full((3, 1), 1.0))
    found = needed(rows, np.array([[3.5], [3.0], [4.5]]), np.full((3, 1), 3.0))
    np.testing.assert_allclose(found[:, 0, 0], [0.5, 0.0, -0.5])
    np.testing.assert_allclose(found[:, 1, 0], [-0.5, 1.0, 0.5])


def test_many_rows_stretch_each_half_by_itself() -> None:
    # 799 rows at 0.01, ..., 3.99, 4 times 1 above the median and 2 times 1 below: the rank is ceil(0.975 * 800) = 780 of signed distances
    assert HALVES <= 799
    distance = np.arange(-399, 400) / 100
    truth = np.where(distance > 0, distance, 2 * distance)[:, None]
    rows = rows_of(*(np.full((799, 1), value) for value in (0.0, 1.0, 1.0)))
    # the 780th smallest of -3.99, ..., 3.99 is 3.80
    assert stretch(rows, truth)[:, 0] == pytest.approx([7.6, 3.8])


def test_unknown_truth_takes_no_part_and_too_few_rows_change_nothing() -> None:
    rows = rows_of(*(np.full((200, 2), value) for value in (0.0, 1.0, 1.0)))
    truth = np.full((200, 2), np.nan)
    truth[:99, 0] = np.arange(1, 100) / 10
    truth[: FEWEST - 1, 1] = 7.0
    assert stretch(rows, truth) == pytest.approx(both(9.5, 1.0))


def test_extrapolated_stretch_by_hand() -> None:
    # 0.8 + 0.4 / n: 1.2 alone, 1.0 for two, 0.9 for four
    assert extrapolate(np.array([1.2]), np.array([1.0]), 2, 4) == pytest.approx([0.9])
    assert extrapolate(np.array([1.2]), np.array([1.0]), 2, 2) == pytest.approx([1.0])


def test_samples_move_about_their_median_and_targets_stay_together() -> None:
    torch.manual_seed(0)
    samples = torch.randn(101, 3, 2)
    calibration = Calibration(np.array([[2.0, 1.0], [4.0, 1.0]]), both(1.0, 3.0), {"visual": both(1.5, 1.5)})
    absent = Absences({"visual": np.array([False, False, True])})
    found = calibration.apply(samples, np.array([False, True, True]), absent)
    median = samples.median(0).values
    below = torch.tensor([[2.0, 1.0], [1.0, 3.0], [1.5, 3.0]])  # what is lacking only ever widens
    above = torch.tensor([[4.0, 1.0], [1.0, 3.0], [1.5, 3.0]])
    torch.testing.assert_close(found, median + torch.where(samples < median, below, above) * (samples - median))
    assert torch.equal(found.argsort(0), samples.argsort(0))


def test_what_parts_multiply_comes_before_what_they_need_at_least() -> None:
    calibration = Calibration(both(2.0), both(1.0), {"visual": both(3.0)}, widening={"visual": np.array([1.1]), "textual": np.array([1.2])})
    absent = Absences({"visual": np.array([False, False, True, True]), "textual": np.array([True, False, True, False])})
    # 2 x 1.2; 1; 2 x 1.2 x 1.1 = 2.64, but at least 3; 1 x 1.1, but at least 3
    factor = calibration.factor(np.array([False, True, False, True]), absent)
    np.testing.assert_allclose(factor, [[[value]] * 2 for value in (2.4, 1.0, 3.0, 3.0)])


def test_drafts_of_known_authors_have_stretches_of_their_own() -> None:
    calibration = Calibration(both(1.0), both(5.0), hardly_known=both(1.5), coming=both(1.2))
    stranger = np.array([False, True, False])
    for drafts, known, expected in (
        (False, None, (1.0, 5.0, 1.0)),
        (True, None, (1.2, 5.0, 1.2)),
        (True, np.array([5, 0, 20]), (1.5 * 1.2, 5.0, 1.2)),  # few of the author's videos are known, none, and many
    ):
        found = calibration.factor(stranger, Absences(), known, drafts=drafts)
        np.testing.assert_allclose(found, [[[value]] * 2 for value in expected])
    np.testing.assert_allclose(
        replace(calibration, coming=None).factor(stranger, Absences(), drafts=True), [[[v]] * 2 for v in (1.0, 5.0, 1.0)]
    )


def test_no_calibration_changes_nothing() -> None:
    samples = torch.randn(11, 3, 2)
    assert torch.equal(Calibration.none(2).apply(samples, np.zeros(3, bool), Absences()), samples)


@pytest.mark.parametrize("count", [79, 799])
def test_the_guarantee_holds_for_a_forecast_that_is_wrong(count: int) -> None:
    """Over 400 worlds of 79 validation rows, stretched intervals hold a new truth with probability ceil(0.95 * 80) / 80 = 0.95.

    Of 799, they miss it below, and above, with probability 1 - ceil(0.975 * 800) / 800 = 0.025.
    The forecast believes in a scale that is wrong and skewed; the bounds have a failure rate of 2e-5.
    """
    random = np.random.default_rng(0)
    new = 500
    sides = []
    for _ in range(400):
        truth = random.standard_t(3, size=(count + new, 1))
        rows = rows_of(*(np.full((count + new, 1), value) for value in (0.1, 0.8, 1.4)))
        below, above = stretch({name: values[:count] for name, values in rows.items()}, truth[:count])[:, 0]
        sides.append([(truth[count:] < 0.1 - 0.8 * below).mean(), (truth[count:] > 0.1 + 1.4 * above).mean()])
    assert math.ceil(0.95 * 80) / 80 == 0.95
    assert math.ceil(0.975 * 800) / 800 == 0.975
    missed = [np.sum(sides, axis=1)] if count < HALVES else list(np.array(sides).T)
    for shares in missed:
        error = np.std(shares, ddof=1) / 400**0.5
        assert abs(np.mean(shares) - 0.05 / len(missed)) < stats.t.isf(1e-5, 399) * error


def test_members_that_hold_out_different_folds_are_calibrated_for_their_average() -> None:
    """Four members, each off by an error of its own in every row, believe in a scale that is too small.

    Each row is forecast by the two members that were not trained on it; those that were know the truth, and must not be asked.
    The average of all four must then hold 95 % of new rows; with 6,000 of each the bound has a failure rate of 2e-5.
    """
    count = 6000
    generator = torch.Generator().manual_seed(0)

    def rows(fold: int | None) -> Videos:
        center, errors = torch.randn(count, 1, generator=generator), 0.6 * torch.randn(count, 4, generator=generator)
        truth = center + torch.randn(count, 1, generator=generator)
        if fold is not None:
            errors[:, [member for member in range(4) if member % 2 != fold]] = truth - center
        numbers = torch.cat([center, errors], dim=1)
        return Videos({"known": Part(numbers, torch.zeros(count, 0, dtype=torch.int64), torch.ones(count, dtype=torch.bool))}, truth)

    def program(member: int) -> Member:
        def guide(videos: Videos) -> None:
            with pyro.plate("videos", len(videos), dim=-1):
                pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))

        def model(videos: Videos) -> None:
            numbers = videos["known"].numbers
            with pyro.plate("videos", len(videos), dim=-1):
                z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))
                loc = (numbers[:, :1] + numbers[:, member + 1 : member + 2]).expand_as(z)
                pyro.sample("popularity", NanMasked(dist.Normal(loc, torch.full_like(loc, 0.7))), obs=videos.popularity)

        return member_of(model, guide)

    members = [program(member) for member in range(4)]
    calibration = calibrate(members, [rows(0), rows(1)])
    new = rows(None)
    assert new.popularity is not None
    found = stretched(members, new, 32, calibration, Absences())
    truth = new.popularity.numpy()
    held = float(np.mean((truth >= found["lower_95"]) & (truth <= found["upper_95"])))
    # rows that calibrate and rows that are held both vary; the extrapolation itself may be off by half a percent
    assert abs(held - 0.95) < 4.27 * (0.95 * 0.05 * (1 / 6000 + 1 / 3000)) ** 0.5 + 0.005


def test_intervals_are_wider_without_a_part_even_where_the_forecast_narrows() -> None:
    """A forecaster that becomes bolder the less it knows: scale 1 with both parts, 0.8 without `words`, 1.5 without `face`.

    Rows lack `words` as they are, so only the widening can help; what the stretches promise must hold all the same.
    """
    count = 3000
    generator = torch.Generator().manual_seed(0)

    def rows() -> Videos:
        truth, none = torch.randn(count, 1, generator=generator), torch.zeros(count, 0, dtype=torch.int64)
        words = torch.rand(count, generator=generator) < 0.6
        parts = {"words": words, "face": torch.ones(count, dtype=torch.bool)}
        return Videos({name: Part(torch.zeros(count, 1), none, here) for name, here in parts.items()}, truth)

    def guide(videos: Videos) -> None:
        with pyro.plate("videos", len(videos), dim=-1):
            pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))

    def model(videos: Videos) -> None:
        scale = torch.where(videos["words"].present, 1.0, 0.8) * torch.where(videos["face"].present, 1.0, 1.5)
        with pyro.plate("videos", len(videos), dim=-1):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))
            loc = torch.zeros_like(z)
            pyro.sample("popularity", NanMasked(dist.Normal(loc, scale[:, None].expand_as(loc))), obs=videos.popularity)

    members = [member_of(model, guide)]
    calibration = calibrate(members, [rows()])
    assert calibration.widening["words"] == pytest.approx([1.02 / 0.8], rel=1e-3)
    assert calibration.widening["face"] == pytest.approx([1.0])
    new = rows()

    def bounds(videos: Videos) -> dict[str, np.ndarray]:
        absent = Absences({part: ~videos[part].present.numpy() for part in videos})
        return stretched(members, videos, 8, calibration, absent)

    whole = bounds(new)
    for part in new:
        here = new[part].present.numpy()
        without = bounds(new.without(part))
        assert (without["upper_95"] - without["lower_95"])[here].mean() > (whole["upper_95"] - whole["lower_95"])[here].mean()
    truth = new.popularity.numpy()
    held = float(np.mean((truth >= whole["lower_95"]) & (truth <= whole["upper_95"])))
    assert abs(held - 0.95) < 4.27 * (0.95 * 0.05 * 2 / 3000) ** 0.5


def test_strangers_without_columns_have_intervals_wide_enough() -> None:
    """A forecaster that thinks it knows twice as much of a video whose counts are missing."""
    count = 3000
    generator = torch.Generator().manual_seed(0)
    shapes = {"history": PartShape(1), "social": PartShape(2, gaps=(Gap((0,), (1,)),))}

    def rows() -> Videos:
        none, here = torch.zeros(count, 0, dtype=torch.int64), torch.ones(count, dtype=torch.bool)
        parts = {name: Part(torch.zeros(count, shape.numbers), none, here) for name, shape in shapes.items()}
        return Videos(parts, torch.randn(count, 1, generator=generator))

    def guide(videos: Videos) -> None:
        with pyro.plate("videos", len(videos), dim=-1):
            pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))

    def model(videos: Videos) -> None:
        scale = torch.where(videos["social"].numbers[:, 1:] > 0, 0.5, 1.0)
        with pyro.plate("videos", len(videos), dim=-1):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))
            loc = torch.zeros_like(z)
            pyro.sample("popularity", NanMasked(dist.Normal(loc, scale.expand_as(loc))), obs=videos.popularity)

    members = [member_of(model, guide)]
    calibration = calibrate(members, [rows()], shapes)
    assert calibration.bare["social"] == pytest.approx(both(2.0), rel=0.25)
    new = rows()
    bare = replace(new, parts=new.parts | {"social": without_columns(new["social"], shapes["social"].gaps)}).without("history")
    absent = absences(bare, shapes)
    assert absent.columns["social"].all()
    assert not absences(new.without("history"), shapes).columns["social"].any()
    found = stretched(members, bare, 8, calibration, absent)
    truth = new.popularity.numpy()
    held = float(np.mean((truth >= found["lower_95"]) & (truth <= found["upper_95"])))
    assert abs(held - 0.95) < 4.27 * (0.95 * 0.05 * (1 / 3000 + 1 / 600)) ** 0.5


def test_a_fold_of_whose_authors_none_is_known_leaves_it_to_the_others() -> None:
    """Two folds of 60 rows; authors of the second are strangers, so what known authors need is what the first fold's rows need."""

    def rows(known: int, seed: int) -> Videos:
        nothing = torch.zeros(60, 0)
        parts = {name: Part(nothing, nothing.long(), torch.arange(60) < there) for name, there in (("known", 60), ("history", known))}
        return Videos(parts, torch.randn(60, 1, generator=torch.Generator().manual_seed(seed)))

    def guide(videos: Videos) -> None:
        with pyro.plate("videos", len(videos), dim=-1):
            pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))

    def model(videos: Videos) -> None:
        with pyro.plate("videos", len(videos), dim=-1):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(videos), 1), torch.ones(len(videos), 1)).to_event(1))
            pyro.sample("popularity", NanMasked(dist.Normal(torch.zeros_like(z), torch.ones_like(z))), obs=videos.popularity)

    members = [member_of(model, guide) for _ in range(2)]
    found = calibrate(members, [rows(60, 0), rows(0, 1)])
    np.testing.assert_allclose(found.known, calibrate(members[:1], [rows(60, 0)]).known)
    assert not np.allclose(found.strangers, found.known)
    np.testing.assert_array_equal(
        calibrate(members, [rows(0, 0), rows(0, 1)]).known, calibrate(members, [rows(0, 0), rows(0, 1)]).strangers
    )
    assert FEWEST == 40
    of_few = calibrate(members, [rows(19, 0), rows(20, 1)])
    np.testing.assert_array_equal(of_few.known, of_few.strangers)
    later = calibrate(members, [rows(60, 0), rows(0, 1)], coming=(members[0], rows(50, 2)))
    np.testing.assert_array_equal(later.known, found.known)
    np.testing.assert_array_equal(later.coming, np.maximum(found.known, calibrate(members[:1], [rows(50, 2)]).known))
    wide = rows(50, 2)
    wide = replace(wide, popularity=3.0 * wide.popularity)
    np.testing.assert_array_equal(
        calibrate(members, [rows(60, 0), rows(0, 1)], coming=(members[0], wide)).coming, calibrate(members[:1], [wide]).known
    )
    np.testing.assert_array_equal(calibrate(members, [rows(60, 0), rows(0, 1)], coming=(members[0], rows(39, 2))).coming, found.known)
    of_enough = calibrate(members, [rows(40, 0), rows(0, 1)])
    assert not np.allclose(of_enough.known, of_enough.strangers)
