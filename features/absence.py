"""Training rows with something missing, so that at forecast time a missing part is nothing new."""

import torch

from features.videos import Videos

OF_THE_AUTHOR = ("history",)  # parts that a stranger, an author never seen in training, does not have


def leave_out(videos: Videos, part_share: float, author_share: float) -> Videos:
    """The same N videos, each part missing from a random share of rows, and some authors made strangers.

    Args:
        videos: N training rows.
        part_share: probability, for each row and each part on its own, that the part is missing.
        author_share: probability, for each row, that all parts in `OF_THE_AUTHOR` are missing.
    """
    if part_share == author_share == 0.0:
        return videos
    known_author = torch.rand(len(videos), device=videos.device) >= author_share
    parts = {}
    for name, part in videos.items():
        keep = torch.rand(len(videos), device=videos.device) >= part_share
        parts[name] = part.seen(keep & known_author if name in OF_THE_AUTHOR else keep)
    return Videos(parts, videos.popularity)
