"""Random videos of the default shapes, and networks for them: no data set is needed."""

import numpy as np
import torch

from features.scale import Scale
from features.targets import Targets
from features.videos import Part, PartShape, Videos
from forecast.run.configuration import Configuration
from program import Networks, build

SHAPES = {
    "social": PartShape(24, 2, 60),
    "history": PartShape(75),
    "sound": PartShape(9),
    "words": PartShape(17),
    "textual": PartShape(23),
    "visual": PartShape(24),
    "acoustic": PartShape(16),
}
TARGETS = Targets(
    ("view_count", "like_count", "comment_count", "share_count"), Scale.COUNTS, np.full(4, 9.0), np.full(4, 2.0), np.ones(4, bool)
)


def random_videos(count: int, seed: int = 0) -> Videos:
    """`count` labelled videos of the default shapes."""
    generator = torch.Generator().manual_seed(seed)
    parts = {
        name: Part(
            torch.randn(count, shape.numbers, generator=generator),
            torch.randint(max(shape.vocabulary, 1), (count, shape.codes), generator=generator),
            torch.rand(count, generator=generator) > 0.1,
        )
        for name, shape in SHAPES.items()
    }
    return Videos(parts, 9.0 + 2.0 * torch.randn(count, 4, generator=generator))


def networks(device: torch.device | str = "cpu", width: int = 256) -> Networks:
    """Untrained networks as `train.py` builds them."""
    torch.manual_seed(0)
    found = build(SHAPES, TARGETS, Configuration(width=width))
    found.experts.to(device), found.decoder.to(device)
    return found
