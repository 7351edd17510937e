"""How much of something helps a forecast, told by few rows.

The loss is a parabola of the amount. A few rows tell badly where its lowest point lies. So that point is found under many weights that
the rows might as well have had, and averaged (the Bayesian bootstrap, Rubin 1981).
"""

import numpy as np

DRAWS = 400  # of the weights


def likely_amount(gain: np.ndarray, curvature: np.ndarray, *, repeats: float = 1.0, errors: float = 0.0, seed: int = 0) -> float:
    """The amount in [0, 1] that is best on average over the rows' likely weights; a half where fewer than two rows tell.

        loss(amount) = const - amount E[gain] + amount^2 E[curvature] / 2

    Args:
        gain: (N,) of each row.
        curvature: (N,) of each row.
        repeats: how many rows together count as one.
        errors: how many standard errors to take off; one is the standard deviation of the best amount over these weights.
        seed: of the weights.
    """
    if len(gain) < 2:
        return 0.5
    random, best = np.random.default_rng(seed), np.empty(DRAWS)
    for draw in range(DRAWS):
        weights = random.dirichlet(np.full(len(gain), 1.0 / repeats))
        slope, bend = weights @ gain, weights @ curvature
        best[draw] = slope / bend if bend > 1e-9 else float(slope > 0)
    best = best.clip(0.0, 1.0)
    return float(max(0.0, best.mean() - errors * best.std()))
