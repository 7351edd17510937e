"""What each part contributes to a forecast. Leaving an expert out of the product is exact: no imputing, no retraining."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from features.videos import Videos
from forecast.forecaster import Forecaster
from forecast.member import by_kind, in_order
from forecast.scoring.scores import row_summary


@dataclass(frozen=True)
class Contributions:
    """What each part brings to N videos.

    Attributes:
        share: (N,) by part, and by `prior` if it is an expert: share of the posterior's precision, averaged over z and members; they
            add up to 1. NaN where a program's own experts tell no precisions.
        given: (N,) bool by part: whether the video has it.
        shift: (N, K) by part: median with all parts minus median without this one, in the training scale.
        width: (N, K) by part: width of the 95 % interval without this part divided by the width with it.
        crps: (N, K) by part: CRPS without this part minus CRPS with it; NaN where the truth is unknown.
    """

    share: dict[str, np.ndarray]
    given: dict[str, np.ndarray]
    shift: dict[str, np.ndarray]
    width: dict[str, np.ndarray]
    crps: dict[str, np.ndarray]

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts."""
        return tuple(self.shift)

    def averages(self) -> dict[str, dict[str, float | None]]:
        """By part, over the videos that have it: share, typical shift, width ratio and CRPS lost, with its standard error."""
        found: dict[str, dict[str, float | None]] = {}
        for part in self.parts:
            here = self.given[part]
            lost = self.crps[part][here]
            lost = lost[~np.isnan(lost).all(axis=1)] if len(lost) else lost
            by_video = np.nanmean(lost, axis=1) if len(lost) else lost[:, 0]
            found[part] = {
                "videos": int(here.sum()),
                "precision_share": _mean(self.share[part][here]),
                "median_shift": _mean(np.abs(self.shift[part][here])),
                "width_ratio_without": _mean(self.width[part][here]),
                "crps_lost_without": _mean(by_video),
                "crps_lost_standard_error": float(by_video.std(ddof=1) / len(by_video) ** 0.5) if len(by_video) > 1 else None,
            }
        return found


def contributions(forecaster: Forecaster, videos: Videos, *, samples: int = 200, seed: int = 0, score: bool = True) -> Contributions:
    """Forecast N videos as they are and once without each part, with common random numbers.

    Args:
        forecaster: a loaded run.
        videos: N videos; those without a part are not changed by leaving it out.
        samples: draws a forecast.
        seed: of all forecasts, so that differences are not noise of the draws.
        score: also compare CRPS, where the truth is known.
    """
    truth = None if videos.popularity is None or not score else videos.popularity.cpu().numpy().astype(np.float64)
    whole = _summary(forecaster, videos, truth, samples, seed)
    given, shift, width, crps = {}, {}, {}, {}
    for part in videos:
        given[part] = videos[part].present.cpu().numpy()
        reduced = _summary(forecaster, videos.without(part), truth, samples, seed) if given[part].any() else whole
        shift[part] = whole["median"] - reduced["median"]
        width[part] = reduced["width"] / np.maximum(whole["width"], 1e-12)
        crps[part] = reduced["crps"] - whole["crps"]
    return Contributions(precision_shares(forecaster, videos), given, shift, width, crps)


def precision_shares(forecaster: Forecaster, videos: Videos) -> dict[str, np.ndarray]:
    """(N,) share of the precision by part, and by `prior`; averaged over the dimensions of z and the members.

    NaN, and without `prior`, where a program's own experts have no `precisions`.
    """
    if not all(hasattr(member.experts, "precisions") for member in forecaster.members):
        return {part: np.full(len(videos), np.nan) for part in videos}
    kinds, found = by_kind(forecaster.members, videos), []
    for rows, members in kinds:
        totals: dict[str, list[Tensor]] = {}
        some = videos.rows(rows)
        for member in members:
            with torch.no_grad():
                by_part = member.experts.precisions(some)
            total = torch.stack(list(by_part.values())).sum(0).clamp_min(1e-30)
            for part, precision in by_part.items():
                totals.setdefault(part, []).append((precision / total).mean(-1))
        found.append({part: torch.stack(shares).mean(0) for part, shares in totals.items()})
    return {part: in_order([one[part] for one in found], kinds).cpu().numpy().astype(np.float64) for part in found[0]}


def _summary(forecaster: Forecaster, videos: Videos, truth: np.ndarray | None, samples: int, seed: int) -> dict[str, np.ndarray]:
    found: dict[str, list[np.ndarray]] = {"median": [], "width": [], "crps": []}
    for rows, block in forecaster.blocks(videos.unlabelled(), samples, seed=seed, plain=True):
        lower, median, upper = np.quantile(block, [0.025, 0.5, 0.975], axis=0)
        found["median"].append(median)
        found["width"].append(upper - lower)
        found["crps"].append(np.full_like(median, np.nan) if truth is None else row_summary(block, truth[rows])["crps"])
    return {name: np.concatenate(values) for name, values in found.items()}


def _mean(values: np.ndarray) -> float | None:
    return float(np.mean(values)) if values.size and not np.isnan(values).all() else None
