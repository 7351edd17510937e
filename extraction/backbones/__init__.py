"""Image networks whose names of weights are the published ones."""
