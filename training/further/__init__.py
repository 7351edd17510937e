"""Going on from a finished run with other data."""
