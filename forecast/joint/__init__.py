"""Draws that are joint over videos: what is not known of an author is shared by the author's videos."""
