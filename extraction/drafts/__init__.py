"""Videos that are not published yet: their clips, one by one or by a table."""
