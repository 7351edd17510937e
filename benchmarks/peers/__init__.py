"""What a user would otherwise pick, beside clipcast: same rows, same raw columns, same scores."""
