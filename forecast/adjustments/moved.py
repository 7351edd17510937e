"""Where a run's forecasts lie on data collected otherwise: their medians shifted, and their spread changed, by what a video is.

    median' = median + weights' phi(x)        phi: 1, the medians, the numbers of every part, random waves of them
    y' = median' + spread(x) (y - median)     spread(x) = factor * (half width of the 95 % interval) ^ (power - 1)
    y'' = F^-1(rank of y')                    F = (1 - share) F_y' + share F_marginal: a pool with what ignores the video

The weights are a Gaussian process's posterior mean in the space of its features (waves: Rahimi and Recht 2007), see `training.further`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from features.videos import EARLY, Videos
from forecast.adjustments.tails import ends
from forecast.run.directory import RunDirectory
from machine.errors import InputError

FILE = "moved.safetensors"
FILE_OF_GROWTH = "moved-growth.safetensors"
CLIP = 4.0  # standard deviations of the new rows, beyond which a number says no more


@dataclass(frozen=True)
class Moved:
    """What was learned from the new rows.

    Attributes:
        loc: (F,) means of the inputs over the new rows: K medians, then numbers and presence of each part, in the run's order.
        scale: (F,) their standard deviations; huge for an input that never changes.
        frequencies: (F, M) of the waves.
        phases: (M,).
        weights: (1 + F + M, K), in the training scale.
        factor: (K,) of the spread.
        power: (K,) of the spread: 1 keeps how the intervals' widths differ, 0 makes them all alike.
        share: (K,) in [0, 1], of the marginal distribution of the new rows in the forecast.
        marginal: (Q, K) equally spaced quantiles of that distribution.
    """

    loc: np.ndarray
    scale: np.ndarray
    frequencies: np.ndarray
    phases: np.ndarray
    weights: np.ndarray
    factor: np.ndarray
    power: np.ndarray
    share: np.ndarray
    marginal: np.ndarray

    def features(self, medians: np.ndarray, videos: Videos) -> np.ndarray:
        """(N, 1 + F + M): one, the inputs standardised, 0 where unknown, and their waves."""
        raw = inputs(medians, videos)
        standard = np.nan_to_num(np.clip((raw - self.loc) / self.scale, -CLIP, CLIP))
        return np.concatenate([np.ones((len(raw), 1)), standard, np.cos(standard @ self.frequencies + self.phases)], axis=1)

    def shift(self, medians: np.ndarray, videos: Videos) -> np.ndarray:
        """(N, K): what is added to the medians (N, K)."""
        return self.features(medians, videos) @ self.weights

    def spread(self, half: np.ndarray) -> np.ndarray:
        """(N, K): by what the draws' distance from the median is multiplied, given half the width of the 95 % interval."""
        return self.factor * np.maximum(half, 1e-6) ** (self.power - 1)

    def apply(self, samples: Tensor, videos: Videos) -> Tensor:
        """Samples (S, N, K) of N videos, moved."""
        lower, median, upper = ends(samples.double())
        spread = self.spread(((upper - lower) / 2).cpu().numpy())
        centre = median.cpu().numpy() + self.shift(median.cpu().numpy(), videos)
        moved = samples.new_tensor(centre) + samples.new_tensor(spread) * (samples - median.to(samples.dtype))
        return pooled(moved, samples.new_tensor(self.marginal), samples.new_tensor(self.share))


@dataclass(frozen=True)
class MovedGrowth:
    """What was learned of videos that were read before, whose growth follows a law of the new rows: how others strayed from it.

    Attributes:
        marginal: (Q, K) equally spaced quantiles of growth in units of the law, see `features.followed.growth`.
        told: (K,) bool: targets of which growth was seen.
    """

    marginal: np.ndarray
    told: np.ndarray

    def apply(self, samples: Tensor) -> Tensor:
        """Samples (S, N, K), of the same ranks, with these quantiles."""
        marginal = samples.new_tensor(self.marginal)
        level = (samples.argsort(dim=0).argsort(dim=0) + 0.5) / len(samples)
        found = marginal.gather(0, (level * len(marginal)).long().flatten(0, 1)).view_as(samples)
        return torch.where(torch.from_numpy(self.told).to(samples.device), found, samples)


def move(samples: Tensor, videos: Videos, moved: Moved, growth: MovedGrowth | None) -> Tensor:
    """Samples (S, N, K) of N videos, moved; those that were read before as `growth` says (None: not at all)."""
    if EARLY not in videos or not bool(videos[EARLY].present.any()):
        return moved.apply(samples, videos)
    of_read = samples if growth is None else growth.apply(samples)
    return torch.where(videos[EARLY].present[:, None], of_read, moved.apply(samples, videos))


def pooled(samples: Tensor, others: Tensor, share: Tensor) -> Tensor:
    """Samples (S, N, K), in the same order, with the quantiles of their pool with `others` (Q, K), which have the share (K,) in it."""
    if not bool((share > 0).any()):
        return samples
    (count, videos, _), quantiles = samples.shape, len(others)
    values, order = torch.cat([samples, others[:, None].expand(-1, videos, -1)]).double().sort(dim=0)
    weight = torch.cat([(1 - share).expand(count, -1) / count, share.expand(quantiles, -1) / quantiles]).double()
    weight = weight[:, None].expand(-1, videos, -1).gather(0, order)
    reached = (weight.cumsum(0) - weight / 2).movedim(0, -1).contiguous()
    level = ((torch.arange(count, device=samples.device, dtype=torch.float64) + 0.5) / count).expand(*reached.shape[:2], -1).contiguous()
    above = torch.searchsorted(reached, level).clamp(1, count + quantiles - 1)
    low, high = reached.gather(-1, above - 1), reached.gather(-1, above)
    part = ((level - low) / (high - low).clamp_min(1e-12)).clamp(0.0, 1.0).movedim(-1, 0)
    above = above.movedim(-1, 0)
    found = torch.lerp(values.gather(0, above - 1), values.gather(0, above), part)
    return found.gather(0, samples.argsort(dim=0).argsort(dim=0)).to(samples.dtype)


def inputs(medians: np.ndarray, videos: Videos) -> np.ndarray:
    """(N, F) medians (N, K), then each part's numbers, NaN where it is absent, and whether it is present."""
    columns: list[np.ndarray] = [medians]
    for part in videos.values():
        present = part.present.cpu().numpy()[:, None]
        columns += [np.where(present, part.numbers.cpu().numpy(), np.nan), present]
    return np.concatenate(columns, axis=1).astype(np.float64)


def groups(medians: int, videos: Videos) -> list[slice]:
    """Which of the F inputs belong together: the K medians, then each part."""
    bounds = np.cumsum([0, medians, *(part.numbers.shape[1] + 1 for part in videos.values())]).tolist()
    return [slice(*ends) for ends in pairwise(bounds)]


def save_moved(run: RunDirectory, moved: Moved, growth: MovedGrowth | None) -> list[str]:
    """Write what was learned; the files."""
    told: dict[str, Moved | MovedGrowth] = {FILE: moved} if growth is None else {FILE: moved, FILE_OF_GROWTH: growth}
    for file, learned in told.items():
        run.write_arrays(file, {item.name: getattr(learned, item.name) for item in fields(learned)})
    return [*told]


def load_moved(run: RunDirectory, targets: int, parts: Sequence[int]) -> Moved:
    """Read what `save_moved` wrote, for K targets and parts of so many numbers.

    Raises:
        InputError: anything missing, or of another shape.
    """
    arrays = run.read_arrays(FILE)
    count, waves = targets + sum(parts) + len(parts), arrays["phases"].shape[0] if "phases" in arrays else 0
    shapes = {"loc": (count,), "scale": (count,), "frequencies": (count, waves), "phases": (waves,)}
    shapes |= {"weights": (1 + count + waves, targets), "factor": (targets,), "power": (targets,)}
    quantiles = arrays["marginal"].shape[0] if "marginal" in arrays else 0
    shapes |= {"share": (targets,), "marginal": (quantiles, targets)}
    if (
        {name: array.shape for name, array in arrays.items()} != shapes
        or not (arrays["scale"] > 0).all()
        or not (arrays["factor"] > 0).all()
        or not ((arrays["share"] >= 0) & (arrays["share"] <= 1)).all()
        or quantiles == 0
    ):
        raise InputError(f"{run.path / FILE}: does not fit the run")
    return Moved(**arrays)


def load_moved_growth(run: RunDirectory, targets: int) -> MovedGrowth:
    """Read what `save_moved` wrote of growth, for K targets.

    Raises:
        InputError: anything missing, or of another shape.
    """
    arrays = run.read_arrays(FILE_OF_GROWTH)
    shapes = {name: array.shape[-1:] for name, array in arrays.items()}
    fits = shapes == {"marginal": (targets,), "told": (targets,)} and arrays["told"].dtype == bool and arrays["marginal"].ndim == 2
    if not fits or len(arrays["marginal"]) == 0:
        raise InputError(f"{run.path / FILE_OF_GROWTH}: does not fit the run")
    return MovedGrowth(**arrays)
