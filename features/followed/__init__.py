"""Videos that were followed over time: what was known of them at each look, and how they grow from there."""
