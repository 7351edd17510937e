"""What `benchmarks.moved` asks of a peer."""

import numpy as np

from benchmarks.moved.__main__ import _peer
from features.simulated.growth import simulate_followed

TARGETS = ("view_count", "like_count")


def test_a_peer_learns_from_all_the_few_rows_and_knows_what_was_read():
    dataset = simulate_followed(400, seed=0)[0]
    few, scored = dataset.take(np.arange(100)), dataset.take(np.arange(100, 400))
    blind, told = (float(_peer("last-value", few, scored, TARGETS, "log1p", look)[0]) for look in (None, (7.0, "last")))
    assert told < 0.6 * blind
