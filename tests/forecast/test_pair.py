"""A moved run and one of the data's own as one forecaster."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from features.simulated.world import simulate
from features.videos import EARLY, Part
from forecast.adjustments.calibration import Calibration
from forecast.pair import ForecasterPair
from forecast.saved import load
from forecast.shift import shift
from tests.forecast.small import train_small

pytestmark = pytest.mark.filterwarnings("ignore::machine.errors.InputWarning")


@pytest.fixture
def first(small_run):
    return load(small_run)


@pytest.fixture
def second(first):
    """The same run with intervals three times as wide: every draw but the median tells the two apart."""
    return replace(first, calibration=Calibration(np.full((2, 4), 3.0), np.full((2, 4), 3.0)))


@pytest.fixture(scope="module")
def videos():
    return simulate(300, seed=3)[0]


def draws(forecaster, dataset, **options):
    features = forecaster.featurizer.transform(dataset).unlabelled()
    return np.concatenate(list(forecaster.draws(features, 100, **options)), axis=1)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_draw_is_of_one_run_for_all_videos_and_targets(first, second, videos, share):
    ours, theirs, both = (draws(one, videos) for one in (first, second, ForecasterPair.of(first, second, share, 0.0)))
    apart = ours != theirs
    of_second = np.array([(both[s][apart[s]] == theirs[s][apart[s]]).all() for s in range(100)])
    of_first = np.array([(both[s][apart[s]] == ours[s][apart[s]]).all() for s in range(100)])
    assert (of_first ^ of_second).all()
    assert of_second.sum() == pytest.approx(100 * share, abs=1)
    halves = of_second[:50].sum(), of_second[50:].sum()  # of the first member, and of the second one
    assert abs(halves[0] - halves[1]) <= 2


def test_pieces_of_a_table_are_forecast_like_the_whole(first, second, videos):
    pair = ForecasterPair.of(first, second, 0.5, 0.0)
    late = draws(pair, videos.take(np.arange(256, 300)), first=256)
    assert np.array_equal(draws(pair, videos)[:, 256:], late)


def test_a_target_that_the_second_lacks_is_the_firsts(first, small_data, tmp_path, videos):
    lacking = load(train_small(small_data, tmp_path / "fewer", "--targets", "like_count,view_count", "--members", "1"))
    both, alone = draws(ForecasterPair.of(first, lacking, 1.0, 1.0), videos), draws(lacking, videos)
    assert first.targets[:2] == ("view_count", "like_count")
    assert np.array_equal(both[..., :2], alone[..., ::-1])
    assert np.array_equal(both[..., 2:], draws(first, videos)[..., 2:])


def test_both_learn_of_the_past_and_look_back_in_drafts(first, second):
    pair = ForecasterPair.of(first, second, 0.5, 0.0)
    past = simulate(40, seed=8)[0]
    known = pair.with_past(past)
    for featurizer in (known.featurizer, known.featurizer.second):
        assert bool(featurizer.transform(past).met.any())
        assert len(featurizer.histories["history"].video) == len(first.featurizer.histories["history"].video) + 40
    drafts = pair.featurizer.for_drafts()
    assert drafts.past_only
    assert drafts.second.past_only
    assert not hasattr(known.first.featurizer, "second")


def test_videos_take_the_second_run_along(first, second, videos):
    features = ForecasterPair.of(first, second, 0.5, 0.0).featurizer.transform(videos)
    alone = second.featurizer.transform(videos)
    rows = slice(5, 9)
    assert torch.equal(features.rows(rows).second["social"].numbers, alone["social"].numbers[rows])
    assert features.second.popularity is None
    assert not features.without("social").second["social"].present.any()
    assert features.to("cpu").second is not None


def test_a_table_is_unlike_both_tables_that_the_run_was_trained_on_or_like_one_of_them(first, second, videos):
    def old(run):
        return replace(run, featurizer=replace(run.featurizer, ages_seen=(1e6, 1e6)))

    assert shift(first.featurizer, videos).younger < 0.1
    assert shift(ForecasterPair.of(first, old(second), 0.5, 0.0).featurizer, videos).younger < 0.1
    assert shift(ForecasterPair.of(old(first), old(second), 0.5, 0.0).featurizer, videos).younger == 1


@pytest.mark.parametrize("reads", ["first", "second"])
def test_a_video_that_was_read_has_a_share_of_its_own(first, second, videos, reads):
    pair = ForecasterPair.of(first, second, 0.4, 0.9)
    features = pair.featurizer.transform(videos)
    was_read = torch.arange(300) % 2 == 0
    early = {EARLY: Part(torch.zeros(300, 1), torch.zeros(300, 0, dtype=torch.int64), was_read)}
    plain = features.second
    read = replace(plain, parts=plain.parts | early)
    shares = pair._shares(read, plain) if reads == "first" else pair._shares(plain, read)
    assert np.array_equal(shares, np.where(was_read, 0.9, 0.4))
    assert (pair._shares(plain, plain) == 0.4).all()
