"""The parts that are not read from media: each turns columns of the table into numbers, from training rows only where it learns."""
