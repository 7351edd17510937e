"""A dataset: tables by the contract, read whatever their form, refused in one sentence."""
