"""What the author's other videos tell of a draft, besides how they did: who it is by, and the author's newest counts."""

from dataclasses import replace

import numpy as np

from features.past import known_at
from features.tables.columns import AUTHOR_COUNTS
from features.tables.dataset import Dataset
from forecast.draft.video import Draft
from forecast.forecaster import Forecaster


def knowing(forecaster: Forecaster, past: Dataset) -> Forecaster:
    """The same forecaster for drafts: outcomes in `past` join its histories, each from when it was published and read.

    Raises:
        InputError: see `features.past.check_past`.
    """
    return forecaster.for_drafts().with_past(past)


def completed(draft: Draft, past: Dataset) -> Draft:
    """The draft with what it does not say: its author, if `past` has but one, and the author's counts as of the newest row before it.

    A count is that of the newest row that has it and had been published and read when the draft is published.
    """
    videos, known = past.videos, dict(draft.known)
    authors = videos["username"].dropna().unique()
    if "username" not in known and len(authors) == 1:
        known["username"] = authors[0]
    own = videos[(videos["username"] == known.get("username")).to_numpy() & (known_at(videos) <= draft.publish)]
    own = own.iloc[np.argsort(known_at(own), kind="stable")]
    for column in AUTHOR_COUNTS:
        told = own[column].dropna().tolist() if column in own else []
        if column not in known and told:
            known[column] = told[-1]
    return replace(draft, known=known)
