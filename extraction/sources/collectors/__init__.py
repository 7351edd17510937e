"""What collectors of videos write: one table of names for each, and how well it fits an entry."""
