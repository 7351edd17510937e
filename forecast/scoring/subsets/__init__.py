"""Scores of some of the rows: by group, by lead time, by what is usual for an author."""
