"""Where videos come from: readers that turn what collectors write into a table by the contract."""
