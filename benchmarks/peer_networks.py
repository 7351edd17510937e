"""Networks (to come)."""
