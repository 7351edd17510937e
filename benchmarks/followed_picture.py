"""The README's picture of one video of the simulated followed world: before publication, after six hours, after a day.

python -m benchmarks.followed_picture --run RUN --out docs/followed.png
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from features.simulated.growth import simulate_followed
from forecast.draft.outlook import outlook
from forecast.draft.so_far import Reading
from forecast.draft.video import Draft
from forecast.notation import duration
from forecast.report.style import BLUE, SKY, style
from forecast.saved import load
from machine import command
from machine.files import writing

DAY = 86_400.0
LOOKS = (0.0, 0.25, 1.0)  # days
AGES = (0.5, 1.0, 2.0, 4.0, 7.0, 14.0, 30.0)
GIVEN = ("username", "video_description", "follower_count", "following_count", "likes_count", "video_count", "video_duration")


def draw(run: Path, seed: int = 1) -> Figure:
    """Fans of views at three looks, beside what the video reached."""
    forecaster, dataset = load(run), simulate_followed(400, seed)[0]
    readings = dataset.readings
    assert readings is not None
    published = dataset.videos["create_time"].to_numpy()
    age = (readings["collected_at"].to_numpy().reshape(len(dataset), -1) - published[:, None]) / DAY
    views = readings["view_count"].to_numpy().reshape(age.shape)
    row = int(np.argmin(np.abs(age[:, 0] - LOOKS[1])))
    video = dataset.videos.iloc[row]
    known = {name: video[name] for name in GIVEN if video[name] is not None}
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    for look, panel in zip(LOOKS, figure.subplots(1, 3, sharey=True), strict=True):
        seen = [place for place in range(age.shape[1]) if age[row, place] <= look * 1.05]
        read = tuple(Reading(age[row, place] * DAY, {"view_count": views[row, place]}) for place in seen)
        later = [one for one in AGES if not read or one * DAY > read[-1].age]
        fan = outlook(forecaster, Draft(published[row], known, read=read), [one * DAY for one in later])
        level = {name: np.expm1(values[:, fan.targets.index("view_count")]) for name, values in fan.quantiles().items()}
        if read:
            later = [read[-1].age / DAY, *later]
            level = {name: np.concatenate([[read[-1].counts["view_count"]], values]) for name, values in level.items()}
        panel.fill_between(later, level["lower_95"], level["upper_95"], color=SKY, alpha=0.3, linewidth=0, label="95 %")
        panel.fill_between(later, level["lower_50"], level["upper_50"], color=SKY, alpha=0.6, linewidth=0, label="50 %")
        panel.plot(later, level["median"], color=BLUE, label="median")
        panel.plot(age[row], views[row], "k.", label="read in the end")
        panel.plot(age[row, seen], views[row, seen], "ks", markersize=5, label="known")
        panel.set(xscale="log", yscale="log", title="before publication" if look == 0 else f"after {duration(look * DAY)}")
    for panel in figure.axes:
        panel.set_xticks([1, 3, 7, 30], ["1", "3", "7", "30"])
        panel.minorticks_off()
    figure.axes[0].set_ylabel("views")
    figure.supxlabel("days since publication", fontsize=10)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside upper right", ncols=5, frameon=False)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    parser = command.Parser(prog="python -m benchmarks.followed_picture", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--run", type=command.path, required=True, help="run that was trained on `python -m features.simulated.growth --out DATA`"
    )
    parser.add_argument("--out", type=command.path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    with style(dark=False), writing(options.out) as temporary:
        draw(options.run).savefig(temporary, dpi=120)


if __name__ == "__main__":
    sys.exit(command.run(main))
