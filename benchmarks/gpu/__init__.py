"""What a GPU gives: one command that answers in one call; on a CPU the same lines, in small."""
