"""Names of the peers, by when they stop. No heavy library is imported here."""

TREES = ("catboost", "catboost-quantiles", "lightgbm", "ngboost")  # stop on held rows, then learn from all rows
NETWORKS = ("realmlp", "tabm")  # likewise, on their own
OF_FOLLOWED = ("last-value", "log-linear")  # make no sense where nothing was read
CLOSED = ("ridge", *OF_FOLLOWED)  # never stop, and learn from all rows
KNOWN = (*TREES, *NETWORKS, *CLOSED)
