"""Videos of which some counts were read and others were not, as when somebody types views alone.

A target that was read is forecast by its growth since then. Any other is forecast as before publication, and then moved by those that were
read, as far as they go together in that forecast (Matheron's rule, Journel and Huijbregts 1978):

    draw of the other  +  C_other,read  C_read,read^-1  (draw of the read one, since the reading  -  draw of it, before publication)
"""

import numpy as np

LEAST = 1e-3  # variance of a target, in log counts, that is added so that covariances can be inverted


def together(read: np.ndarray, unread: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Draws (S, N, K) of N videos: `read` of the targets that were read, and of the others `unread`, moved by what was read.

    Args:
        read: (S, N, K) since the reading.
        unread: (S, N, K) as if nothing had been read, drawn independently of `read`.
        told: (N, K) bool, which targets were read: of each video some, but not all.
    """
    found = read.copy()
    for number, known in enumerate(told):
        before = unread[:, number].astype(np.float64)
        covariance = np.atleast_2d(np.cov(before, rowvar=False, bias=True))
        of_read = covariance[np.ix_(known, known)] + LEAST * np.eye(known.sum())
        slopes = np.linalg.solve(of_read, covariance[np.ix_(known, ~known)])
        found[:, number, ~known] = before[:, ~known] + (read[:, number, known] - before[:, known]) @ slopes
    return found
