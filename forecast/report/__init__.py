"""The report of an evaluation: pictures, tables, one page."""
