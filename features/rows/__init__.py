"""Which rows test, validate and train, and how they lie on disk."""
