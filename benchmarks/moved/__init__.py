"""What a few rows make of a run that was trained on other data."""
