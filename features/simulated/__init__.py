"""A world whose best possible forecast is known, for demonstration and tests."""
